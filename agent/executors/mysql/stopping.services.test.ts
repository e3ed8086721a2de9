import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { execute } from '../../conformance/executor.ts';
import type { Execution, Work } from '../../conformance/executor.ts';
import { serverProxy } from '../database/testing/server-proxy.ts';
import { TaskAborted } from '../executor.ts';
import { MysqlExecutor } from './mysql-executor.ts';
import { TestDatabase } from './testing/test-database.ts';

const SERVERS = (['mysql', 'mariadb'] as const).filter((name) => hasServices(name));

describe.each(SERVERS)('MysqlExecutor when something ends it on %s', (server) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(server));
    await database.witness.query('CREATE TABLE t (a int primary key)');
  });
  beforeEach(async () => {
    await database.witness.query('UNLOCK TABLES');
    await database.witness.query('DELETE FROM t');
    for (const name of ['stubborn', 'halves']) await database.witness.query(`DROP PROCEDURE IF EXISTS ${name}`);
  });
  afterAll(() => database?.drop());

  const run = (
    command: string,
    { params, work, ...options }: { params?: object; work?: Partial<Work> } & Record<string, unknown> = {},
  ): Promise<Execution> => database.run(command, { exec_options: { backup: false, ...options }, ...params }, work);
  const message = ({ outcome }: Execution): string => outcome.message;
  const kill = async (text: string): Promise<void> => {
    const [id] = await database.values(
      `SELECT id FROM information_schema.processlist WHERE user = '${database.name}' AND info LIKE '%${text}%'`,
    );
    await database.witness.query(`KILL ${String(id)}`);
  };

  it('rolls back the batch of a statement that is canceled, and says what was committed', async () => {
    const controller = new AbortController();
    const execution = run(
      'INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); INSERT INTO t VALUES (3); SELECT SLEEP(601)',
      { trans_batch_size: 2, work: { signal: controller.signal } },
    );
    await expect.poll(() => database.running('SLEEP(601)')).toBe(1);
    controller.abort(new TaskAborted('User', 'canceled by user'));
    const done = await execution;
    expect(done.outcome).toMatchObject({ state: 'Failed', reason: 'Aborted' });
    expect(message(done)).toContain('Statements 1-2 were committed. Statement 3 was rolled back.');
    expect(await database.values('SELECT a FROM t ORDER BY a')).toEqual([1, 2]);
    expect(await database.running('SLEEP(601)')).toBe(0);
  });

  it('names the statement that ran at the deadline, whatever the server answers', async () => {
    const execution = await run('SELECT 7;\nSELECT SLEEP(606);\nSELECT 8', { timeout_ms: 500 });
    // SLEEP answers as if it had slept enough.
    expect(message(execution)).toBe(
      'SQL execution failed: Statement 2: ERROR - execution timeout after 500 ms\nSQL: SELECT SLEEP(606)\nAt line 2\nStatement 1 was committed.',
    );
    expect(execution.outcome).toMatchObject({ reason: 'TimeoutExceeded' });
  });

  it('names no statement when it ends between two batches', async () => {
    const execution = await run('INSERT INTO t VALUES (21); INSERT INTO t VALUES (22)', {
      ...{ timeout_ms: 500, trans_batch_size: 1, sleep_ms: 60_000 },
    });
    expect(message(execution)).toBe(
      'SQL execution failed: ERROR - execution timeout after 500 ms\nStatement 1 was committed.',
    );
    expect(await database.values('SELECT a FROM t WHERE a > 20')).toEqual([21]);
  });

  it('ends the connection of a statement that does not heed KILL QUERY', async () => {
    await database.witness.query(
      `CREATE PROCEDURE stubborn() BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION, 1317 BEGIN END; LOOP DO SLEEP(602); END LOOP; END`,
    );
    const execution = await run('CALL stubborn()', { timeout_ms: 300 });
    expect(message(execution)).toContain('execution timeout after 300 ms');
    await expect.poll(() => database.running('SLEEP(602)')).toBe(0);
    await expect.poll(() => database.running('stubborn')).toBe(0);
  });

  it('ends a statement that waits for a lock at its deadline', async () => {
    await database.witness.query('LOCK TABLES t WRITE');
    const execution = await run('INSERT INTO t VALUES (9)', { timeout_ms: 300 });
    await database.witness.query('UNLOCK TABLES');
    expect(execution.outcome).toMatchObject({ state: 'Failed', reason: 'TimeoutExceeded' });
    expect(await database.values('SELECT a FROM t WHERE a = 9')).toEqual([]);
  });

  it('ends while its result waits for a slow output', async () => {
    const controller = new AbortController();
    const held = Promise.withResolvers<void>();
    const execution = run(
      "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r WHERE n < 900) SELECT REPEAT('x', 1000) FROM r; SELECT SLEEP(603)",
      { work: { signal: controller.signal, onResult: () => held.promise } },
    );
    await expect.poll(() => database.running('SLEEP(603)')).toBeLessThanOrEqual(1);
    controller.abort(new TaskAborted('User', 'canceled by user'));
    await expect.poll(() => database.running('SLEEP(603)')).toBe(0);
    held.resolve();
    expect((await execution).outcome.state).toBe('Failed');
  });

  it('stops the server when the rows cannot be kept', async () => {
    const executor = new MysqlExecutor({ connections: new Map(), spoolFolder: '/dev/null/rows' });
    onTestFinished(() => executor.close());
    const endless = "SELECT REPEAT('x', 1000) FROM information_schema.columns a, information_schema.columns b";
    const execution = await execute(executor, database.work(endless));
    expect(execution.outcome).toMatchObject({
      reason: 'DiskFull',
      message: expect.stringContaining('rows cannot be kept in /dev/null/rows') as string,
    });
    expect(await database.running('information_schema.columns b')).toBe(0);
  });

  it('says that the connection was lost and that its batch was rolled back', async () => {
    const execution = run('INSERT INTO t VALUES (5); SELECT SLEEP(604)');
    await expect.poll(() => database.running('SLEEP(604)')).toBe(1);
    await kill('SLEEP(604)');
    const done = await execution;
    expect(done.outcome).toMatchObject({ state: 'Failed', reason: 'ConnectionLost' });
    expect(message(done)).toContain('Statement 1 was rolled back.');
    expect(await database.values('SELECT a FROM t WHERE a = 5')).toEqual([]);
  });

  it('takes no row of 80 MiB', async () => {
    const before = process.memoryUsage().rss;
    // As long as the server lets one value be.
    const [packet] = (await database.values('SELECT @@max_allowed_packet')) as [number];
    const size = Math.min(packet - 1024, 16 * 1024 * 1024);
    const values = Array.from({ length: 6 }, () => `REPEAT('x', ${size})`).join(', ');
    const execution = await run(`INSERT INTO t VALUES (50);\nSELECT ${values}`);
    expect(execution.outcome.state).toBe('Failed');
    expect(message(execution)).toMatch(/Statement 2: ERROR - .*(more than the agent takes|max_allowed_packet)/);
    expect(message(execution)).toContain('Statement 1 was rolled back.');
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
    expect((await run('SELECT 1')).outcome.state).toBe('Succeeded');
  });

  it('replaces a connection that died while it was idle, before the first statement', async () => {
    const id = /connection (\d+)/.exec((await run('SELECT 1')).evidence.join())?.[1] ?? '0';
    await database.witness.query(`KILL ${id}`).catch(() => undefined);
    expect((await run('SELECT 2')).outcome.state).toBe('Succeeded');
  });

  it('replaces an idle connection that has fallen silent', async () => {
    let silent = false;
    const proxy = await serverProxy(database.server, { silent: (connection) => silent && connection === 1 });
    const params = { target: database.target(proxy) };
    await run('SELECT 1', { params });
    silent = true;
    expect((await run('SELECT 2', { params })).outcome.state).toBe('Succeeded');
  });

  it('does not know whether it committed when the connection is lost in that moment', async () => {
    const proxy = await serverProxy(database.server, { dropAfter: (bytes) => bytes.includes('COMMIT') });
    const execution = await run('INSERT INTO t VALUES (6)', { params: { target: database.target(proxy) } });
    expect(execution.outcome).toMatchObject({ state: 'Unknown', reason: 'CommitOutcomeUnknown' });
    expect(message(execution)).toContain(
      'Statement 1 was perhaps committed: the connection was lost before the server said.',
    );
    expect(execution.result.toString()).toContain('Status: Outcome unknown');
  });

  it('does not know whether it committed when the server answers no more at the deadline', async () => {
    let silent = false;
    const proxy = await serverProxy(database.server, {
      dropAfter: (bytes) => {
        silent ||= bytes.includes('COMMIT');
        return false;
      },
      silent: () => silent,
    });
    const execution = await run('INSERT INTO t VALUES (66)', {
      ...{ params: { target: database.target(proxy) }, timeout_ms: 1000 },
    });
    expect(execution.outcome).toMatchObject({ state: 'Unknown', reason: 'CommitOutcomeUnknown' });
    expect(message(execution)).toContain('execution timeout after 1000 ms');
  });

  it('does not know what became of a statement on its own when the connection is lost', async () => {
    const proxy = await serverProxy(database.server, { dropAfter: (bytes) => bytes.includes('ANALYZE') });
    const execution = await run('ANALYZE TABLE t', { params: { target: database.target(proxy) } });
    expect(execution.outcome).toMatchObject({ state: 'Unknown', reason: 'CommitOutcomeUnknown' });
  });

  it('does not know how far a procedure has come that commits, when the connection is lost', async () => {
    await database.witness.query(
      'CREATE PROCEDURE halves() SQL SECURITY INVOKER BEGIN INSERT INTO t VALUES (74); COMMIT; DO SLEEP(60); INSERT INTO t VALUES (75); END',
    );
    const execution = run('CALL halves()', { backup: null });
    await expect.poll(() => database.running('SLEEP(60)')).toBe(1);
    await kill('SLEEP(60)');
    const { outcome, rollbackSummary } = await execution;
    expect(outcome).toMatchObject({ state: 'Unknown', reason: 'CommitOutcomeUnknown' });
    expect(outcome.message).toContain('Statement 1 was perhaps committed');
    expect(rollbackSummary).toMatchObject({ available: true, exact: false, statements: 1 });
    expect(await database.values('SELECT a FROM t WHERE a IN (74, 75)')).toEqual([74]);
    await database.witness.query('DELETE FROM t WHERE a = 74');
  });

  it('knows that a batch was rolled back when the connection is lost before its COMMIT', async () => {
    const proxy = await serverProxy(database.server, { dropAfter: (bytes) => bytes.includes('VALUES (72)') });
    const execution = await run('INSERT INTO t VALUES (71); INSERT INTO t VALUES (72); INSERT INTO t VALUES (73)', {
      params: { target: database.target(proxy) },
    });
    expect(execution.outcome).toMatchObject({ state: 'Failed', reason: 'ConnectionLost' });
    expect(message(execution)).toContain('Statement 1 was rolled back.');
    expect(await database.values('SELECT a FROM t WHERE a > 70')).toEqual([]);
  });

  it('opens at most ten connections and makes the others wait', async () => {
    const executions = Array.from({ length: 13 }, () => run('SELECT SLEEP(0.3)'));
    let most = 0;
    const watch = setInterval(
      () => void database.running('SLEEP(0.3)').then((count) => (most = Math.max(most, count))),
      50,
    );
    const done = await Promise.all(executions);
    clearInterval(watch);
    expect(done.map(({ outcome }) => outcome.state)).toEqual(Array<string>(13).fill('Succeeded'));
    expect(most).toBeLessThanOrEqual(10);
  });

  it('ends a task that waits for a connection', async () => {
    const busy = Array.from({ length: 10 }, () => run('SELECT SLEEP(605)', { timeout_ms: 1500 }));
    await expect.poll(() => database.running('SLEEP(605)')).toBe(10);
    const execution = await run('SELECT 1', { timeout_ms: 100 });
    expect(execution.outcome).toMatchObject({ reason: 'TimeoutExceeded', message: 'execution timeout after 100 ms' });
    await Promise.all(busy);
    expect((await run('SELECT 1')).outcome.state).toBe('Succeeded');
  });

  it('closes its connections with the agent', async () => {
    const executor = new MysqlExecutor({ connections: new Map(), spoolFolder: database.spoolFolder });
    await execute(executor, database.work('SELECT 1'));
    await executor.close();
    await expect(execute(executor, database.work('SELECT 1'))).rejects.toThrow('the agent is stopping');
  });
});
