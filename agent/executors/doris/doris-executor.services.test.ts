import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { describeExecutor, execute } from '../../conformance/executor.ts';
import type { Execution, Work } from '../../conformance/executor.ts';
import { TestDatabase } from '../mysql/testing/test-database.ts';
import { DorisExecutor } from './doris-executor.ts';

const WRONG_PASSWORD = 'wr0ng-pa55word';

/** MySQL stands for Doris, whose protocol and simple statements are the same. */
describe.skipIf(!hasServices('mysql'))('DorisExecutor', () => {
  let database: TestDatabase;
  let executor: DorisExecutor;

  beforeAll(async () => {
    database = await TestDatabase.create(await service('mysql'));
    executor = new DorisExecutor({ connections: new Map(), spoolFolder: database.spoolFolder, graceMs: 1500 });
    await database.witness.query('CREATE TABLE table1 (id int primary key, v text)');
  });
  afterAll(async () => {
    await executor?.close();
    await database?.drop();
  });

  const run = (command: string, params: Record<string, unknown> = {}): Promise<Execution> =>
    execute(executor, database.work(command, params));

  describeExecutor(
    'DorisExecutor',
    async () => ({
      executor,
      succeeding: database.work('SELECT 1'),
      failing: database.work('SELECT * FROM nowhere'),
      endless: {
        ...database.work('SELECT SLEEP(620)'),
        begun: () => expect.poll(() => database.running('SLEEP(620)')).toBe(1),
      },
      big: (bytes: number) => database.work(`SELECT REPEAT('x', ${bytes})`),
      invalid: [
        database.work(' \n'),
        { command: 'SELECT 1' },
        database.work('SELECT 1', { exec_options: { ledger: true } }),
        database.work('SELECT 1', { exec_options: { transaction: true } }),
        database.work('SELECT 1', { rollback_of: 'task-1' }),
        database.work('-- nothing\n;'),
      ],
      remote: {
        unreachable: database.work('SELECT 1', { target: database.target({ port: 1 }) }),
        wrongPassword: database.work(
          'SELECT 1',
          {},
          { credentials: { login: { data: { password: WRONG_PASSWORD }, allowedHosts: undefined } } },
        ),
        secrets: [database.password, WRONG_PASSWORD],
        running: () => database.running('SLEEP(620)'),
        endlessFor: (timeout: number) => database.work('SELECT SLEEP(620)', { exec_options: { timeout_ms: timeout } }),
      },
    }),
    'remote',
  );

  it('executes each statement for itself, and says that those before a failure stay', async () => {
    const execution = await run(
      "INSERT INTO table1 VALUES (1, 'a'); INSERT INTO table1 VALUES (2, 'b'); INSERT INTO table1 VALUES (1, 'c')",
    );
    expect(execution.outcome).toMatchObject({ state: 'Failed', reason: 'StatementFailed' });
    expect(execution.outcome.message).toContain('Statements 1-2 were committed.');
    expect(await database.values('SELECT id FROM table1')).toEqual([1, 2]);
    expect(execution.result.toString()).not.toContain('Rollback SQL');
    expect(execution.rollbackSummary).toBeUndefined();
  });

  it('lets the text have transactions of its own', async () => {
    const execution = await run(
      "BEGIN; INSERT INTO table1 VALUES (5, 'a'); ROLLBACK; BEGIN; INSERT INTO table1 VALUES (6, 'a'); COMMIT",
    );
    expect(execution.outcome.state).toBe('Succeeded');
    expect(await database.values('SELECT id FROM table1 WHERE id > 4')).toEqual([6]);
  });

  it('says that a backup that is asked for is not possible, and runs where it is only the default', async () => {
    const asked = await run('DELETE FROM table1', { exec_options: { backup: true } });
    expect(asked.outcome).toMatchObject({
      reason: 'BackupNotPossible',
      message: 'backup is not possible: Doris keeps no binary log',
    });
    expect((await run('SELECT 1')).outcome.state).toBe('Succeeded');
  });

  it('reviews without executing', async () => {
    const before = await database.values('SELECT COUNT(*) FROM table1');
    const execution = await run('DELETE FROM table1', { review: 'only' });
    expect(execution.outcome.state).toBe('Succeeded');
    expect(execution.result.toString()).toContain('Stage: CHECKED');
    expect(await database.values('SELECT COUNT(*) FROM table1')).toEqual(before);
  });

  it('takes port 9030 unless the task says otherwise', async () => {
    const work: Work = { command: 'SELECT 1', params: { target: { host: '127.0.0.1', user: 'root' } } };
    expect((await execute(executor, work)).outcome.message).toMatch(
      /^connection failed: doris:\/\/root@127\.0\.0\.1:9030/,
    );
  });

  it('leaves nothing of a task in its connection', async () => {
    const own = new DorisExecutor({ connections: new Map(), spoolFolder: database.spoolFolder });
    onTestFinished(() => own.close());
    await execute(own, database.work('SET @x = 1'));
    const { result } = await execute(own, database.work('SELECT @x'));
    expect(result.toString()).toMatch(/ NULL\n\(1 row\)$/);
  });
});
