import { describe, expect, it } from 'vitest';
import { seesTriggers } from './visible-triggers.ts';

describe('seesTriggers', () => {
  it.each([
    ['GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION', 'any', 't', true],
    ['GRANT USAGE ON *.* TO `u`@`%`', 'any', 't', false],
    ['GRANT SELECT, INSERT, TRIGGER ON `shop`.* TO `u`@`%`', 'shop', 't', true],
    ['GRANT SELECT, INSERT, TRIGGER ON `shop`.* TO `u`@`%`', 'shop2', 't', false],
    ['GRANT ALL PRIVILEGES ON `sh\\_p%`.* TO `u`@`%`', 'sh_p_of_mine', 't', true],
    ['GRANT ALL PRIVILEGES ON `sh\\_p%`.* TO `u`@`%`', 'shop', 't', false],
    ['GRANT ALL PRIVILEGES ON `sh_p`.* TO `u`@`%`', 'shop', 't', true],
    ['GRANT TRIGGER ON `shop`.`a``b` TO `u`@`%`', 'shop', 'a`b', true],
    ['GRANT TRIGGER ON `shop`.`t` TO `u`@`%`', 'shop', 'u', false],
    ['GRANT TRIGGER ON `sh_p`.`t` TO `u`@`%`', 'shop', 't', false],
    ['GRANT SELECT (`TRIGGER`) ON `shop`.`t` TO `u`@`%`', 'shop', 't', false],
    ['GRANT EXECUTE ON PROCEDURE `shop`.`trigger` TO `u`@`%`', 'shop', 'trigger', false],
    ['GRANT `trigger`@`%` TO `u`@`%`', 'shop', 't', false],
  ])('%s: %s.%s: %s', (line, schema, table, sees) => {
    expect(seesTriggers(['GRANT USAGE ON *.* TO `u`@`%`', line])(schema, table)).toBe(sees);
  });
});
