import { describe, expect, it } from 'vitest';
import { parseMysqlParams } from './mysql-params.ts';

describe('the parameters of a MySQL task', () => {
  it("have the manual's defaults", () => {
    expect(parseMysqlParams({})).toEqual({
      transBatchSize: 200,
      sleepMs: 0,
      timeoutMs: 600_000,
      transaction: false,
      resultFormat: 'text',
      backup: 'default',
      ledger: false,
      concurrency: 1,
      reviewOnly: false,
      rollbackOf: undefined,
      force: false,
    });
  });

  it('tell a backup that was asked for from one that nobody spoke of', () => {
    expect(parseMysqlParams({ exec_options: { backup: true } })).toMatchObject({ backup: 'asked' });
    expect(parseMysqlParams({ exec_options: { backup: null } })).toMatchObject({ backup: 'default' });
    expect(parseMysqlParams({ exec_options: { backup: false } })).toMatchObject({ backup: 'off' });
    expect(parseMysqlParams({ no_backup: true })).toMatchObject({ backup: 'off' });
  });

  it('take the ledger of the connection unless the task says otherwise', () => {
    expect(parseMysqlParams({}, { ledger: true })).toMatchObject({ ledger: true });
    expect(parseMysqlParams({ exec_options: { ledger: false } }, { ledger: true })).toMatchObject({ ledger: false });
  });

  it.each([
    [{ exec_options: { backup: 'yes' } }, 'params.exec_options.backup must be true or false'],
    [{ exec_options: { ledger: 1 } }, 'params.exec_options.ledger must be true or false'],
    [{ no_backup: 'no' }, 'params.no_backup must be true or false'],
    [{ force: 'yes' }, 'params.force must be true or false'],
    [{ exec_options: { concurrency: 0 } }, 'params.exec_options.concurrency must be a whole number from 1 to 64'],
    [{ exec_options: { concurrency: 1.5 } }, 'params.exec_options.concurrency must be a whole number from 1 to 64'],
    [{ review: 'yes' }, 'params.review must be only'],
    [{ rollback_of: '' }, 'params.rollback_of must name a task'],
    [
      { exec_options: { concurrency: 2, backup: true } },
      'params.exec_options.concurrency must be 1 with exec_options.backup',
    ],
    [{ exec_options: { concurrency: 2, ledger: true } }, 'params.exec_options.concurrency must be 1 with a ledger'],
    [
      { exec_options: { concurrency: 2 }, rollback_of: 'task-1' },
      'params.exec_options.concurrency must be 1 with a rollback',
    ],
  ])('refuse %j', (params, why) => {
    expect(parseMysqlParams(params)).toBe(why);
  });

  it('let statements run side by side where a backup is only the default', () => {
    expect(parseMysqlParams({ exec_options: { concurrency: 4 } })).toMatchObject({ concurrency: 4, backup: 'default' });
  });
});
