import { describe, expect, it } from 'vitest';
import { commitsImplicitly, needsIdle, refusal, turnsAutocommitOn, xaVerb } from './transaction-rules.ts';

describe('the rules of transactions', () => {
  it.each([
    'SET autocommit = 0',
    'set session transaction isolation level serializable',
    'SET @@session.sql_log_bin = 0',
    'SET GTID_NEXT = AUTOMATIC',
    'CREATE TEMPORARY TABLE a (b int)',
    'SET SESSION binlog_format = ROW',
  ])('let no batch hold %s', (text) => {
    expect(needsIdle(text)).toBe(true);
  });

  it.each(["SET @a = 'x'", 'SET NAMES utf8mb4', 'SELECT 1 INTO @x', "SET sql_mode = ''"])(
    'let a batch hold %s',
    (text) => {
      expect(needsIdle(text)).toBe(false);
    },
  );

  it.each([
    ['SET autocommit = 1', true],
    ['SET @@autocommit=ON', true],
    ['SET autocommit := 1', true],
    ['SET autocommit = 0', false],
    ['SET autocommit = OFF', false],
    ['SET @x = 1', false],
  ])('know that %s turns autocommit on: %s', (text, expected) => {
    expect(turnsAutocommitOn(text)).toBe(expected);
  });

  it('know what commits before it is executed', () => {
    expect((['ddl', 'lock', 'begin'] as const).map(commitsImplicitly)).toEqual([true, true, true]);
    expect((['dml', 'select', 'set', 'use', 'xa', 'call'] as const).map(commitsImplicitly)).not.toContain(true);
  });

  it('refuse what would end the transaction of the whole text', () => {
    for (const kind of ['begin', 'commit', 'rollback', 'ddl', 'lock', 'xa'] as const)
      expect(refusal(kind, { whole: true, own: false })).toMatch(/^exec_options\.transaction executes/);
    for (const kind of ['dml', 'select', 'set', 'savepoint', 'call'] as const)
      expect(refusal(kind, { whole: true, own: false })).toBeUndefined();
  });

  it('refuse a ROLLBACK that could not undo what stands before it', () => {
    expect(refusal('rollback', { whole: false, own: false })).toMatch(/^there is no BEGIN/);
    expect(refusal('rollback', { whole: false, own: true })).toBeUndefined();
  });

  it.each([
    ["XA START 'a'", 'START'],
    ["  xa\n commit 'a' one phase", 'COMMIT'],
    ['SELECT 1', ''],
  ])('read the verb of %s', (text, verb) => {
    expect(xaVerb(text)).toBe(verb);
  });
});
