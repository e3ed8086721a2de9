import { describe, expect, it } from 'vitest';
import { isAlwaysTrue } from './always-true.ts';
import { StatementTokens } from './statement-tokens.ts';

const truth = (condition: string): boolean => {
  const tokens = new StatementTokens(condition);
  return isAlwaysTrue(tokens, 0, tokens.length);
};

describe('isAlwaysTrue', () => {
  it.each([
    '1',
    'TRUE',
    '(((1)))',
    '1=1',
    "'a' = 'A'",
    '1 /* no row is left out */ = 1',
    '2 > 1',
    '1 <> 2',
    "'a' != 'b'",
    'id = id',
    '`id` <=> `id`',
    't.id >= t.id',
    'a = 5 OR 1 = 1',
    'a = 5 || 1',
    '(a = 5 AND b = 6) OR (1 AND TRUE)',
    'NOT 0',
    '!FALSE',
    'NOT (0)',
    "a LIKE '%'",
    '1 IN (2, 1)',
    "'1'",
    '1 = 1 AND (2 = 2 OR a = 3)',
    '/*! 1 = 1 */',
  ])('sees %s', (condition) => {
    expect(truth(condition)).toBe(true);
  });

  it.each([
    'id = 1',
    '1 = 1 AND id = 5',
    '0',
    '1 = 2',
    'id',
    'id > 0',
    'RAND() = RAND()',
    '@a = @a',
    "a NOT LIKE '%'",
    "a LIKE '%x'",
    'NOT id = id',
    'id NOT IN (1)',
    'id BETWEEN 1 AND 1',
    '1 XOR 1',
    'a = 1 OR b = 2',
    'NULL',
    "'a'",
    '',
    '(',
  ])('does not take %s for true', (condition) => {
    expect(truth(condition)).toBe(false);
  });
});
