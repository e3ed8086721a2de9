import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Execution } from '../../conformance/executor.ts';
import { execute } from '../../conformance/executor.ts';
import { TaskAborted } from '../executor.ts';
import { PostgresExecutor } from './postgres-executor.ts';
import { serverProxy } from '../database/testing/server-proxy.ts';
import { TestDatabase } from './testing/test-database.ts';

describe.skipIf(!hasServices('postgres'))('PostgresExecutor when something ends it', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service('postgres'));
  });
  afterAll(() => database?.drop());
  beforeEach(async () => {
    await database.empty();
    await database.witness.query('CREATE TABLE t (a int)');
  });

  const failure = ({ outcome }: Execution): string => (outcome.state === 'Failed' ? outcome.message : '');
  const backends = (): Promise<unknown[]> =>
    database.values(
      `SELECT pid FROM pg_stat_activity WHERE usename = '${database.name}' AND application_name = 'tiangong' AND backend_type = 'client backend'`,
    );

  /** Gives a server the time that an agent gives it, which a busy one may need to tell of a commit. */
  const ofAgent = (): PostgresExecutor => {
    const executor = new PostgresExecutor({ connections: new Map(), spoolFolder: database.spoolFolder });
    onTestFinished(() => executor.close());
    return executor;
  };

  it('rolls back the batch of a statement that is canceled, and says what was committed', async () => {
    const controller = new AbortController();
    const execution = database.run(
      'INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); INSERT INTO t VALUES (3); SELECT pg_sleep(601)',
      { exec_options: { trans_batch_size: 2 } },
      { signal: controller.signal },
    );
    await expect.poll(() => database.running('pg_sleep(601)')).toBe(1);
    controller.abort(new TaskAborted('User', 'canceled by user'));
    const done = await execution;
    expect(done.outcome).toMatchObject({ reason: 'Aborted' });
    expect(failure(done)).toContain('Statements 1-2 were committed. Statement 3 was rolled back.');
    expect(await database.values('SELECT a FROM t ORDER BY a')).toEqual([1, 2]);
    expect(await database.running('pg_sleep(601)')).toBe(0);
  });

  it.each([
    ['text', {}],
    ['json', { result_format: 'json' }],
  ])('names the statement that ran at the deadline, not one sent with it (%s)', async (format, params) => {
    const execution = await database.run(
      'CREATE TABLE at_deadline (a int);\nSELECT 7;\nSELECT pg_sleep(606);\nSELECT 8',
      {
        ...params,
        exec_options: { timeout_ms: 3000 },
      },
    );
    expect(failure(execution)).toBe(
      'SQL execution failed: Statement 3: ERROR - execution timeout after 3000 ms\nSQL: SELECT pg_sleep(606)\nAt line 3\nStatements 1-2 were rolled back.',
    );
    if (format === 'json')
      expect(JSON.parse(execution.result.toString())).toMatchObject({
        statements: [{ statement: 3, error: { line: 3 } }],
        rolled_back: [[1, 2]],
        committed: [],
      });
    expect(await database.values("SELECT to_regclass('at_deadline')")).toEqual([null]);
  });

  it('names no statement when it ends between two batches', async () => {
    const execution = await database.run('INSERT INTO t VALUES (21); INSERT INTO t VALUES (22)', {
      exec_options: { timeout_ms: 3000, trans_batch_size: 1, sleep_ms: 60_000 },
    });
    expect(failure(execution)).toBe(
      'SQL execution failed: ERROR - execution timeout after 3000 ms\nStatement 1 was committed.',
    );
    expect(await database.values('SELECT a FROM t WHERE a > 20')).toEqual([21]);
  });

  it('names all statements of a message that was lost with the connection', async () => {
    const proxy = await serverProxy(database.server, { dropAfter: (bytes) => bytes.includes('VALUES (31)') });
    const params = { target: database.target(proxy) };
    const command = 'INSERT INTO t VALUES (30); COMMIT; INSERT INTO t VALUES (31); SELECT 1; SELECT 2';
    const execution = await database.run(command, params);
    expect(execution.outcome).toMatchObject({ reason: 'ConnectionLost' });
    expect(failure(execution)).toMatch(
      /^SQL execution failed: Statements 3-5: ERROR - .*\nStatements 1-2 were committed\. Statements 3-5 were rolled back\.$/,
    );
    const inJson = await database.run(command, { ...params, result_format: 'json' });
    expect(JSON.parse(inJson.result.toString())).toMatchObject({
      statements: [{}, {}, { first_statement: 3, last_statement: 5, status: 'ERROR' }],
      rolled_back: [[3, 5]],
    });
    expect(await database.values('SELECT a FROM t WHERE a > 30')).toEqual([]);
  });

  it('terminates a backend that does not heed a request to cancel', async () => {
    const stubborn =
      'DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(602); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$';
    const execution = await database.run(stubborn, { exec_options: { timeout_ms: 3000 } });
    expect(execution.outcome).toMatchObject({
      reason: 'TimeoutExceeded',
      message: expect.stringContaining('Statement 1: ERROR - execution timeout after 3000 ms'),
    });
    await expect.poll(() => database.running('pg_sleep(602)')).toBe(0);
  });

  it('ends a statement that waits for a lock at its deadline', async () => {
    await database.witness.query('BEGIN; LOCK TABLE t');
    const execution = await database.run('INSERT INTO t VALUES (9)', { exec_options: { timeout_ms: 2000 } });
    await database.witness.query('ROLLBACK');
    expect(execution.outcome).toMatchObject({ reason: 'TimeoutExceeded' });
    expect(await database.values('SELECT a FROM t WHERE a = 9')).toEqual([]);
  });

  it('ends while its result waits for a slow output', async () => {
    const controller = new AbortController();
    const held = Promise.withResolvers<void>();
    const execution = database.run(
      "SELECT repeat('x', 1000) FROM generate_series(1, 3000); SELECT 1 FROM pg_sleep(603)",
      {},
      { signal: controller.signal, onResult: () => held.promise },
    );
    await expect.poll(() => database.running('pg_sleep(603)')).toBe(1);
    controller.abort(new TaskAborted('User', 'canceled by user'));
    // What waits for the output is our own; the server is not kept waiting for it.
    await expect.poll(() => database.running('pg_sleep(603)')).toBe(0);
    held.resolve();
    expect((await execution).outcome.state).toBe('Failed');
  });

  it('stops the server when the rows cannot be kept', async () => {
    const executor = new PostgresExecutor({ connections: new Map(), spoolFolder: '/dev/null/rows' });
    onTestFinished(() => executor.close());
    const work = database.work("SELECT repeat('x', 1000), generate_series(1, 100000000)");
    const execution = await execute(executor, work);
    expect(execution.outcome).toMatchObject({
      reason: 'DiskFull',
      message: expect.stringContaining('rows cannot be kept in /dev/null/rows'),
    });
    expect(await database.running('generate_series')).toBe(0);
  });

  it('says that the connection was lost and that its batch was rolled back', async () => {
    const execution = database.run('INSERT INTO t VALUES (5); SELECT pg_sleep(604)');
    await expect.poll(() => database.running('pg_sleep(604)')).toBe(1);
    await database.witness.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${database.name}' AND query LIKE '%pg_sleep(604)'`,
    );
    const done = await execution;
    expect(done.outcome).toMatchObject({ reason: 'ConnectionLost' });
    expect(failure(done)).toContain('Statement 2: ERROR - terminating connection due to administrator command');
    expect(failure(done)).toContain('Statement 1 was rolled back.');
    expect(await database.values('SELECT a FROM t WHERE a = 5')).toEqual([]);
  });

  it.each([
    ['a row of 600 MiB', "SELECT repeat('x', 600 * 1024 * 1024)"],
    ['a line of COPY of 70 MiB', "COPY (SELECT repeat('x', 70 * 1024 * 1024)) TO stdout"],
    ['a notice of 70 MiB', "DO $$ BEGIN RAISE NOTICE '%', repeat('x', 70 * 1024 * 1024); END $$"],
    ['an error of 70 MiB', "DO $$ BEGIN RAISE '%', repeat('x', 70 * 1024 * 1024); END $$"],
  ])('takes no %s', async (what, statement) => {
    const before = process.memoryUsage().rss;
    const execution = await database.run(`INSERT INTO t VALUES (50);\n${statement}`);
    expect(execution.outcome).toMatchObject({ reason: 'StatementFailed' });
    expect(failure(execution)).toMatch(
      new RegExp(
        `: Statement 2: ERROR - ${what.split(' of ')[0]!}.* of \\d+ MiB is more than the agent takes \\(64 MiB\\)\\n`,
      ),
    );
    expect(failure(execution)).toContain('At line 2\nStatement 1 was rolled back.');
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
    expect((await database.run('SELECT 1')).outcome.state).toBe('Succeeded');
    expect(await database.values('SELECT a FROM t WHERE a = 50')).toEqual([]);
  });

  it('replaces a connection that died while it was idle, before the first statement', async () => {
    await database.run('SELECT 1');
    await expect.poll(async () => (await backends()).length).toBeGreaterThan(0);
    await database.witness.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${database.name}' AND pid <> pg_backend_pid() AND application_name = 'tiangong'`,
    );
    expect((await database.run('SELECT 2')).outcome.state).toBe('Succeeded');
  });

  it('replaces an idle connection that has fallen silent', async () => {
    let silent = false;
    const proxy = await serverProxy(database.server, { silent: (connection) => silent && connection === 1 });
    const target = database.target(proxy);
    await database.run('SELECT 1', { target });
    silent = true;
    expect((await database.run('SELECT 2', { target })).outcome.state).toBe('Succeeded');
  });

  it('does not know whether it committed when the connection is lost in that moment', async () => {
    const proxy = await serverProxy(database.server, { dropAfter: (bytes) => bytes.includes('COMMIT') });
    const execution = await database.run('INSERT INTO t VALUES (6)', { target: database.target(proxy) });
    expect(execution.outcome).toMatchObject({ state: 'Unknown', reason: 'CommitOutcomeUnknown' });
    expect(execution.outcome.message).toContain(
      'Statement 1 was perhaps committed: the connection was lost before the server said.',
    );
  });

  it('waits for the answer to a commit that is under way at the deadline, and tells it', async () => {
    await database.witness.query(`
      CREATE TABLE slow (a int);
      CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3.5); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sleep()`);
    const params = { exec_options: { timeout_ms: 2500 } };
    const execution = await execute(ofAgent(), database.work('INSERT INTO slow VALUES (1)', params));
    expect(execution.outcome).toMatchObject({ reason: 'TimeoutExceeded' });
    expect(failure(execution)).toBe(
      'SQL execution failed: ERROR - execution timeout after 2500 ms\nStatement 1 was committed.',
    );
    expect(await database.values('SELECT a FROM slow')).toEqual([1]);
  });

  it.each([
    ['a batch', 'INSERT INTO lazy VALUES (1)', 'Statement 1 was rolled back.'],
    ['the text', 'BEGIN; INSERT INTO lazy VALUES (1); COMMIT', 'Statements 1-2 were rolled back.'],
  ])('cancels the commit of %s that takes too long, and tells that nothing was committed', async (_, command, fate) => {
    await database.witness.query(`
      CREATE TABLE lazy (a int);
      CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(607); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON lazy DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()`);
    const execution = await execute(ofAgent(), database.work(command, { exec_options: { timeout_ms: 2500 } }));
    expect(execution.outcome).toMatchObject({ reason: 'TimeoutExceeded' });
    expect(failure(execution)).toMatch(/Statement \d: ERROR - execution timeout after 2500 ms\nSQL: COMMIT\n/);
    expect(failure(execution)).toContain(fate);
    expect(await database.values('SELECT a FROM lazy')).toEqual([]);
    expect(await database.running('COMMIT')).toBe(0);
  });

  it('does not know what became of a statement on its own when the connection is lost', async () => {
    const proxy = await serverProxy(database.server, { dropAfter: (bytes) => bytes.includes('VACUUM') });
    const execution = await database.run('VACUUM t', { target: database.target(proxy) });
    expect(execution.outcome).toMatchObject({ reason: 'CommitOutcomeUnknown' });
  });

  it('opens at most ten connections, keeps at most five and makes the others wait', async () => {
    const executions = Array.from({ length: 13 }, () => database.run('SELECT pg_sleep(0.3)'));
    let most = 0;
    const watch = setInterval(() => void backends().then(({ length }) => (most = Math.max(most, length))), 50);
    const done = await Promise.all(executions);
    clearInterval(watch);
    expect(done.map(({ outcome }) => outcome.state)).toEqual(Array<string>(13).fill('Succeeded'));
    expect(most).toBeLessThanOrEqual(10);
    await expect.poll(async () => (await backends()).length).toBeLessThanOrEqual(5);
  });

  it('ends a task that waits for a connection', async () => {
    const controller = new AbortController();
    const busy = Array.from({ length: 10 }, () =>
      database.run('SELECT pg_sleep(605)', {}, { signal: controller.signal }),
    );
    await expect.poll(() => database.running('pg_sleep(605)')).toBe(10);
    const execution = await database.run('SELECT 1', { exec_options: { timeout_ms: 100 } });
    expect(execution.outcome).toMatchObject({ reason: 'TimeoutExceeded', message: 'execution timeout after 100 ms' });
    controller.abort(new TaskAborted('User', 'canceled by user'));
    await Promise.all(busy);
    expect((await database.run('SELECT 1')).outcome.state).toBe('Succeeded');
  });

  it('closes its connections with the agent', async () => {
    const executor = new PostgresExecutor({ connections: new Map(), spoolFolder: database.spoolFolder });
    await execute(executor, database.work("SET application_name = 'closing'; SELECT 1"));
    await executor.close();
    await expect(execute(executor, database.work('SELECT 1'))).rejects.toThrow('the agent is stopping');
  });
});
