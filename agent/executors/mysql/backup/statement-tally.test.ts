import { describe, expect, it } from 'vitest';
import type { SentStatement } from '../script/transaction-observer.ts';
import { StatementTally } from './statement-tally.ts';

const sent = (...numbers: readonly number[]): SentStatement[] =>
  numbers.map((number) => ({
    ...{ number, text: '', kind: 'dml' },
    outcome: { affectedRows: 1, rows: undefined, info: '', warnings: 0, gtids: undefined, inTransaction: true },
  }));

describe('StatementTally', () => {
  it('gives each statement what undoes it, the newest first', () => {
    const tally = new StatementTally();
    tally.add('a', undefined, false);
    tally.add('b', undefined, true);
    tally.add('c', 'it has a trigger', true);
    const texts = tally.texts(sent(2, 5));
    expect(texts(2)).toEqual({ sql: 'b; a;', exact: true });
    expect(texts(5)).toEqual({ sql: 'c;', exact: false, message: 'it has a trigger' });
    expect(texts(3)).toBeUndefined();
    expect(tally).toMatchObject({ statements: 3, inexact: 'it has a trigger' });
  });

  it('shows the newest of many and tells how many there are', () => {
    const tally = new StatementTally();
    for (let row = 0; row < 5000; row += 1) tally.add(`UPDATE t SET a=${row}`, undefined, row === 4999);
    const { sql = '' } = tally.texts(sent(1))(1) ?? {};
    expect(sql).toMatch(/^UPDATE t SET a=4999; UPDATE t SET a=4998; .*… 5000 statements in all$/);
    expect(Buffer.byteLength(sql)).toBeLessThan(1100);
  });

  it('tells of statements together when the log has more of them, and exactly so', () => {
    const tally = new StatementTally();
    for (const sql of ['a', 'b', 'c']) tally.add(sql, undefined, true);
    expect(tally.texts(sent(1, 2))(2)).toMatchObject({
      sql: '',
      message: '3 statements undo statements 1 to 2 together',
    });
    expect(tally.inexact).toBeUndefined();
  });

  it('is not exact when the log has fewer statements than changed something', () => {
    const tally = new StatementTally();
    tally.add('a', undefined, true);
    expect(tally.texts(sent(1, 2))(1)).toMatchObject({ sql: '', exact: false });
    expect(tally.inexact).toMatch(/does not have the changes of all statements/);
  });

  it('never says that nothing was changed when there is no room to show it', () => {
    const tally = new StatementTally();
    const numbers = Array.from({ length: 10_000 }, (_, index) => index + 1);
    for (const _ of numbers) tally.add('x'.repeat(2000), undefined, true);
    const texts = tally.texts(sent(...numbers));
    expect(texts(1)?.sql).toContain('xxx');
    expect(texts(10_000)).toMatchObject({ sql: '', message: "1 statements of the task's rollback undo it" });
  });
});
