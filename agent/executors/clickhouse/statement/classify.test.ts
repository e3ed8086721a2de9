import { describe, expect, it } from 'vitest';
import { classify } from './classify.ts';

describe('classify', () => {
  it.each([
    ['SELECT 1 FORMAT JSON', 'SELECT 1', 'JSON'],
    ['(SELECT 1) FORMAT JSON', '(SELECT 1)', 'JSON'],
    [
      "SELECT 'FORMAT JSON' FORMAT TSV SETTINGS max_threads = 1",
      "SELECT 'FORMAT JSON' SETTINGS max_threads = 1",
      'TSV',
    ],
    ['-- FORMAT x\nSHOW TABLES format Pretty -- done', '-- FORMAT x\nSHOW TABLES', 'Pretty'],
    ['SELECT format FROM t', 'SELECT format FROM t', undefined],
    ["SELECT format('{}', 1)", "SELECT format('{}', 1)", undefined],
    [
      'CREATE TABLE t (a Int8) ENGINE = File(CSV) FORMAT x',
      'CREATE TABLE t (a Int8) ENGINE = File(CSV) FORMAT x',
      undefined,
    ],
  ])('takes the FORMAT out of %j', (text, withoutFormat, format) => {
    expect(classify(text)).toMatchObject({ withoutFormat, format });
  });

  it('knows what changes the session', () => {
    expect(classify('SET max_threads = 1')).toMatchObject({ changesSession: true, uses: undefined });
    expect(classify('use `a b`')).toMatchObject({ changesSession: true, uses: 'a b' });
    expect(classify('/* x */ CREATE TEMPORARY TABLE t (a Int8)')).toMatchObject({ changesSession: true });
    expect(classify('CREATE TABLE set (a Int8)')).toMatchObject({ changesSession: false });
  });

  it('refuses INTO OUTFILE outside quotes and remarks', () => {
    for (const text of ["SELECT 1 INTO OUTFILE '/x'", "WITH 1 AS a SELECT a into /* y */ outfile 'x' FORMAT CSV"])
      expect(() => classify(text)).toThrow('INTO OUTFILE is not allowed');
    expect(classify("SELECT 'INTO OUTFILE' AS outfile -- INTO OUTFILE").format).toBeUndefined();
  });

  it('knows an INSERT behind remarks', () => {
    expect(classify('-- x\n/* y */ Insert INTO t SELECT 1').isInsert).toBe(true);
    expect(classify('SELECT 1 -- INSERT').isInsert).toBe(false);
  });

  it('finds WITH TOTALS outside quotes and remarks', () => {
    expect(classify('SELECT 1 GROUP BY 1 WITH /* x */ TOTALS').withTotals).toBe(true);
    expect(classify("SELECT 'WITH TOTALS' -- WITH TOTALS").withTotals).toBe(false);
  });
});
