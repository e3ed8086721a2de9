import { describe, expect, it } from 'vitest';
import { parseInsert } from './insert-statement.ts';
import { StatementError } from './tokens.ts';

describe('parseInsert', () => {
  it.each([
    ['INSERT INTO t VALUES (1)', 'INSERT INTO t', 'Values', ' (1)'],
    ['insert into table db.t (a, `values`) values(1, 2)', 'insert into table db.t (a, `values`)', 'Values', '(1, 2)'],
    ['/* x */ INSERT INTO values VALUES (1)', '/* x */ INSERT INTO values', 'Values', ' (1)'],
    ['INSERT INTO `a b`."format" FORMAT CSV\n1,2', 'INSERT INTO `a b`."format"', 'CSV', '1,2'],
    ['INSERT INTO t (* EXCEPT(b)) FORMAT TSV \r\n\t1', 'INSERT INTO t (* EXCEPT(b))', 'TSV', '\t1'],
    [
      'INSERT INTO t SETTINGS async_insert = 1 FORMAT JSONEachRow {"a":1}',
      'INSERT INTO t SETTINGS async_insert = 1',
      'JSONEachRow',
      '{"a":1}',
    ],
    [
      "INSERT INTO FUNCTION remote('h', values) VALUES (1)",
      "INSERT INTO FUNCTION remote('h', values)",
      'Values',
      ' (1)',
    ],
    ['INSERT INTO t FORMAT Values (1)', 'INSERT INTO t', 'Values', ' (1)'],
  ])('takes %j apart', (text, head, format, data) => {
    const insert = parseInsert(text);
    expect(insert).toMatchObject({ head, format });
    expect(text.slice(insert?.dataStart)).toBe(data);
  });

  it.each([
    'SELECT 1',
    'INSERT INTO t SELECT 1',
    'INSERT INTO t (a) WITH 1 AS x SELECT x',
    "INSERT INTO t FROM INFILE 'x' FORMAT CSV",
    'INSERT INTO t',
    'INSERT t VALUES (1)',
    '',
  ])('leaves %j alone', (text) => {
    expect(parseInsert(text)).toBeUndefined();
  });

  it('says that there are no rows', () => {
    for (const text of ['INSERT INTO t VALUES', 'INSERT INTO t FORMAT CSV\n'])
      expect(() => parseInsert(text)).toThrow(StatementError);
  });
});
