import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Execution } from '../../conformance/executor.ts';
import { serverProxy } from '../database/testing/server-proxy.ts';
import { TestDatabase } from './testing/test-database.ts';

const SERVERS = (['mysql', 'mariadb'] as const).filter((name) => hasServices(name));

describe.each(SERVERS)('exec_options.concurrency on %s', (server) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(server));
    await database.witness.query('CREATE TABLE t (a int primary key, c bigint, m text)');
  });
  beforeEach(() => database.witness.query('DELETE FROM t'));
  afterAll(() => database?.drop());

  const run = (command: string, options: Record<string, unknown> = {}): Promise<Execution> =>
    database.run(command, { exec_options: { concurrency: 4, trans_batch_size: 2, backup: false, ...options } });
  const inserts = (from: number, count: number): string =>
    Array.from({ length: count }, (_, index) => `INSERT INTO t VALUES (${from + index}, 0, NULL);\n`).join('');
  const message = ({ outcome }: Execution): string => outcome.message;
  const orderIds = ({ result }: Execution): number[] =>
    [...result.toString().matchAll(/^Order ID: (\d+)$/gm)].map(([, id]) => Number(id));

  it('executes all, in several connections, and tells of it in order', async () => {
    const execution = await run(inserts(1, 500), { trans_batch_size: 10 });
    expect(message(execution)).toBe('500 statements executed, 500 rows');
    expect(orderIds(execution)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
    expect(await database.values('SELECT COUNT(*) FROM t')).toEqual([500]);
    const connections = new Set(execution.evidence.map((text) => /connection (\d+)/.exec(text)?.[1]));
    expect(connections.size).toBeGreaterThan(1);
    expect(connections.size).toBeLessThanOrEqual(4);
  });

  it('says that changes without an order have no rollback', async () => {
    const { rollbackSummary } = await run(inserts(1, 4), { backup: null });
    expect(rollbackSummary).toEqual({
      ...{ available: false, exact: false, statements: 0 },
      message: '4 statements may run at once (exec_options.concurrency)',
    });
    const onlyRead = await run('SELECT 1; SELECT 2', { backup: null });
    expect(onlyRead.rollbackSummary).toMatchObject({ exact: true, message: 'no row was changed' });
  });

  it('runs queries side by side', async () => {
    const execution = run('SELECT SLEEP(0.6), 1; SELECT SLEEP(0.6), 2; SELECT SLEEP(0.6), 3; SELECT SLEEP(0.6), 4');
    await expect.poll(() => database.running('SLEEP(0.6)'), { interval: 20 }).toBe(4);
    const done = await execution;
    expect(orderIds(done)).toEqual([1, 2, 3, 4]);
    expect(done.result.toString()).toMatch(/ 1\n[^]* 2\n[^]* 3\n[^]* 4\n/);
  });

  it('takes DDL, transactions of the text and settings for barriers', async () => {
    const execution = await run(
      `${inserts(1, 20)} ALTER TABLE t ADD COLUMN x int; UPDATE t SET x = a; BEGIN; UPDATE t SET x = x + 1; ROLLBACK;
       SET sql_mode = 'PIPES_AS_CONCAT'; ${Array.from({ length: 20 }, (_, index) => `UPDATE t SET m = 'a' || 'b' WHERE a = ${index + 1};\n`).join('')}
       ALTER TABLE t DROP COLUMN x; SELECT COUNT(*) FROM t WHERE m = 'ab'`,
    );
    expect([execution.outcome.state, message(execution)]).toEqual(['Succeeded', '48 statements executed, 81 rows']);
    expect(execution.result.toString()).toMatch(/ 20\n\(1 row\)$/);
  });

  it('stops all at a failure, and says what became of each', async () => {
    const execution = await run(`${inserts(1, 40)}${inserts(1, 1)}${inserts(100, 400)}`);
    expect(execution.outcome).toMatchObject({ state: 'Failed', reason: 'StatementFailed' });
    expect(message(execution)).toContain("Statement 41: ERROR - Duplicate entry '1'");
    const stored = (await database.values('SELECT a FROM t ORDER BY a')) as number[];
    const committed = /Statements? (.*?) (?:was|were) committed/.exec(message(execution))?.[1] ?? '';
    const told = committed.split(', ').flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
    expect(told.map((number) => (number > 41 ? number + 58 : number))).toEqual(stored);
    expect(stored.length).toBeLessThan(300);
  });

  it('does not know what was committed when a connection is lost in its COMMIT', async () => {
    const proxy = await serverProxy(database.server, { dropAfter: (bytes) => bytes.includes('COMMIT') });
    const execution = await database.run(inserts(1, 40), {
      target: database.target(proxy),
      exec_options: { concurrency: 4, trans_batch_size: 2, backup: false },
    });
    expect(execution.outcome).toMatchObject({ state: 'Unknown', reason: 'CommitOutcomeUnknown' });
    expect(message(execution)).toMatch(/Statements [\d-]+(?:, [\d-]+)* were perhaps committed/);
  });

  it('ends all at the deadline', async () => {
    const execution = await run('SELECT SLEEP(611); SELECT SLEEP(611); SELECT SLEEP(611)', { timeout_ms: 500 });
    expect(execution.outcome).toMatchObject({ reason: 'TimeoutExceeded' });
    expect(await database.running('SLEEP(611)')).toBe(0);
  });

  it('goes on one after the other where a setting is of one connection only', async () => {
    const execution = await run(`SET @x = 5; ${inserts(1, 4)} UPDATE t SET c = @x; SELECT SUM(c) FROM t`);
    expect(execution.result.toString()).toMatch(/ 20\n\(1 row\)$/);
    expect(execution.log).toContainEqual({
      level: 'warn',
      message: 'statement 1 sets what only its own connection knows: what follows runs one after the other',
    });
  });

  it('refuses what would tell of the wrong connection', async () => {
    const execution = await run(`${inserts(1, 2)} INSERT INTO t VALUES (9, LAST_INSERT_ID(), NULL)`);
    expect(message(execution)).toContain(
      'Statement 3: ERROR - LAST_INSERT_ID tells of its own connection only, and exec_options.concurrency has several: set it to 1',
    );
    expect(message(execution)).toContain('Statements 1-2 were committed.');
  });

  it('says why there is no rollback', async () => {
    const { backup: _, ...options } = { backup: undefined, concurrency: 4 };
    const execution = await database.run(inserts(1, 2), { exec_options: options });
    expect(execution.result.toString()).toContain(
      'Rollback SQL: (none: 4 statements may run at once (exec_options.concurrency))',
    );
  });
});
