import { describe, expect, it } from 'vitest';
import { losesCharacters, lossyChange } from './lossy-change.ts';

const change = (from: string, to: string, nullable = false): string | undefined =>
  lossyChange({ type: from, nullable, charset: 'utf8mb4' }, to);

describe('lossyChange', () => {
  it.each([
    ['int', 'SMALLINT'],
    ['int', 'INT UNSIGNED'],
    ['int unsigned', 'INT NOT NULL'],
    ['varchar(100)', 'VARCHAR(50) NOT NULL'],
    ['text', 'VARCHAR(100)'],
    ['varchar(100)', 'TINYTEXT'],
    ['decimal(10,2)', 'DECIMAL(10,1)'],
    ['decimal(10,2)', 'DECIMAL(9,2)'],
    ['decimal(10,2)', 'INT'],
    ['bigint', 'DOUBLE'],
    ['bigint', 'DECIMAL(10,0)'],
    ['double', 'FLOAT'],
    ['datetime(6)', 'DATETIME'],
    ['datetime', 'DATE'],
    ['datetime', 'TIMESTAMP'],
    ["enum('a','b','c')", "ENUM('a', 'c')"],
    ['varchar(10)', 'INT'],
    ['longblob', 'LONGTEXT'],
    ['varchar(10)', 'VARCHAR(10) CHARACTER SET latin1'],
  ])('sees that %s may not fit in %s', (from, to) => {
    expect(change(from, to)).toBeTypeOf('string');
  });

  it.each([
    ['int', 'BIGINT'],
    ['int unsigned', 'BIGINT'],
    ['int', 'VARCHAR(20)'],
    ['int', 'DOUBLE'],
    ['int', 'DECIMAL(12,2)'],
    ['varchar(50)', 'VARCHAR(100)'],
    ['varchar(50)', 'TEXT'],
    ['decimal(10,2)', 'DECIMAL(12,4)'],
    ['datetime', 'DATETIME(6)'],
    ['date', 'DATETIME'],
    ['timestamp', 'DATETIME'],
    ["enum('a','b')", "ENUM('a','b','c')"],
    ['varchar(10)', "VARCHAR(10) CHARSET utf8mb4 COMMENT 'x'"],
    ['point', 'POINT'],
  ])('lets %s become %s', (from, to) => {
    expect(change(from, to)).toBeUndefined();
  });

  it('sees that NULL goes, and which characters', () => {
    expect(change('int', 'INT NOT NULL', true)).toMatch(/NULL/);
    expect(['utf8mb3', 'latin1', 'ascii', 'utf8mb4'].map((from) => losesCharacters(from, 'utf8mb3'))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(losesCharacters('latin1', 'gbk')).toBe(true);
  });
});
