import { describe, expect, it } from 'vitest';
import { judge } from './block-judgement.ts';
import { numberRows } from './number-rows.ts';
import { toInceptionRow } from './result-row.ts';
import type { InceptionRow } from './result-row.ts';

type Sample = readonly (string | number | null)[];

const COLUMNS = [
  ...['order_id', 'stage', 'error_level', 'stage_status', 'error_message', 'sql', 'affected_rows', 'sequence'],
  ...['backup_dbname', 'execute_time', 'sqlsha1', 'backup_time', 'needMerge'],
];
/** Rows that goInception gave (facts §3.6). */
const USE: Sample = [
  1,
  'CHECKED',
  0,
  'Audit Completed',
  null,
  'use test_db',
  0,
  '0_0_00000000',
  null,
  '0',
  null,
  '0',
  0,
];
const BACKED_UP: Sample = [
  ...[3, 'EXECUTED', 1, 'Execute Successfully\nBackup Successfully'],
  'MariaDB v101119 not supported yet,please confirm that the rollback sql is correct',
  ...[
    "insert into t1(v) values('a')",
    1,
    '1795319165_7_00000002',
    '127_0_0_1_23306_test_db',
    '0.001',
    null,
    '0.002',
    0,
  ],
];
const DUPLICATE: Sample = [
  ...[4, 'EXECUTED', 2, 'Execute failed', "Duplicate entry '100' for key 'PRIMARY'."],
  ...["insert into t1(id,v) values(100,'dup')", 1, '1795319165_0_00000003', '127_0_0_1_23306_test_db', '0.000', null],
  ...['0', 0],
];
const KILLED: Sample = [
  ...[4, 'EXECUTED', 2, 'Execute Successfully\nBackup Successfully'],
  'Execute: Operation has been killed!\nMariaDB v101119…',
  ...[
    "insert into t1(v) values('kk2')",
    1,
    '1795319389_436_00000003',
    '127_0_0_1_23306_test_db',
    '0.000',
    null,
    '0.000',
    0,
  ],
];

const row = (sample: Sample): InceptionRow =>
  toInceptionRow(Object.fromEntries(COLUMNS.map((name, index) => [name, sample[index]?.toString() ?? null])));
const changed = (sample: Sample, changes: Readonly<Record<number, string | number | null>>): Sample =>
  sample.map((value, index) => changes[index] ?? value);
const verdict = (...samples: readonly Sample[]): unknown => {
  const rows = samples.map((sample, index) => ({ number: index + 1, row: row(sample) }));
  const failure = judge(rows, { checkOnly: false });
  return failure === undefined
    ? undefined
    : [failure.details.reason, failure.message, failure.details.statement?.number];
};
const waiting = (sample: Sample, level = 0): Sample =>
  changed(sample, {
    1: 'CHECKED',
    2: level,
    3: 'Audit Completed',
    4: level === 0 ? '' : 'Please set the where condition.',
  });

describe('judge', () => {
  it('takes a warning that a backup on MariaDB leaves for a success, and USE for done', () => {
    expect(verdict(USE, BACKED_UP)).toBeUndefined();
    expect(verdict(USE)).toBeUndefined();
  });

  it('finds the statement that failed among those that were rolled back with it', () => {
    const rolledBack = changed(BACKED_UP, { 2: 2, 3: 'Execute failed', 4: '' });
    expect(verdict(rolledBack, DUPLICATE, waiting(BACKED_UP))).toEqual([
      'StatementFailed',
      "Duplicate entry '100' for key 'PRIMARY'.",
      2,
    ]);
  });

  it('takes a backup that failed for a statement that was executed', () => {
    expect(verdict(changed(BACKED_UP, { 3: 'Execute Successfully\nBackup failed' }))).toBeUndefined();
  });

  it('takes no killed run for a success, though all that ran says so', () => {
    expect(verdict(KILLED, waiting(BACKED_UP))).toEqual([
      'Aborted',
      'goInception was told to end the run (kill)',
      undefined,
    ]);
  });

  it('sees that nothing has run after a warning that is not ignored', () => {
    expect(verdict(USE, waiting(BACKED_UP, 1), waiting(BACKED_UP))).toEqual([
      'AuditFailed',
      'goInception stopped at a warning: Please set the where condition.',
      2,
    ]);
  });

  it.each([
    ['con:31 Error 1045: Access denied for user', 'AuthenticationFailed'],
    ['con:32 dial tcp 127.0.0.1:1: connect: connection refused.', 'ConnectionFailed'],
    ['Invalid source infomation(主机名为空).', 'AuditFailed'],
  ])('names no statement where the options were wrong: %s', (message, reason) => {
    expect(verdict(changed(USE, { 2: 2, 4: message, 5: '\ninception_magic_start' }))).toEqual([
      reason,
      message,
      undefined,
    ]);
  });

  it('refuses what the audit refuses', () => {
    const refused = changed(waiting(BACKED_UP, 2), { 4: 'Not supported statement type.' });
    expect(verdict(USE, refused)).toEqual(['AuditFailed', 'Not supported statement type.', 2]);
  });
});

describe('numberRows', () => {
  it('gives rows the numbers of their statements, also where one has no row or another spelling', () => {
    const texts = ['SET NAMES utf8mb4', 'DELETE FROM a', 'DELETE FROM b ', 'DELETE FROM b'];
    const statements = texts.map((text, index) => ({ text, number: index + 11, line: 1 }));
    const rows = ['DELETE FROM a', 'delete from b', 'DELETE FROM b'].map((sql) => row(changed(USE, { 5: sql })));
    expect(numberRows(rows, statements).map(({ number }) => number)).toEqual([12, 13, 14]);
  });

  it('needs the columns of an audit, by name', () => {
    expect(() => toInceptionRow({ id: '1', sql_statement: 'x' })).toThrow('this is no answer of goInception');
    expect(row(BACKED_UP)).toMatchObject({
      orderId: 3,
      backupDatabase: '127_0_0_1_23306_test_db',
      executeTime: '0.001',
    });
  });
});
