import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import type { ClickHouseClient } from '@clickhouse/client';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';
import { hasServices, service } from '../services/service.ts';
import type { Service } from '../services/service.ts';

/** The manual's name is test_db. */
const DATABASE = `test_db_${randomBytes(4).toString('hex')}`;

describe.skipIf(!hasCluster())("the manual's examples of SQL tasks (§4.2, §4.5)", () => {
  const folder = mkdtempSync(join(tmpdir(), 'tiangong-manual-'));
  const passwordFile = join(folder, 'password');
  let programs: Programs;
  let tasks: TaskClient;
  let postgres: Service | undefined;
  let clickhouse18: Service | undefined;
  let clickhouse26: Service | undefined;

  beforeAll(async () => {
    if (hasServices('postgres')) postgres = await service('postgres');
    if (hasServices('clickhouse-18')) clickhouse18 = await service('clickhouse-18');
    if (hasServices('clickhouse')) clickhouse26 = await service('clickhouse');
    writeFileSync(passwordFile, `${postgres?.password ?? ''}\n`);
    const connections = {
      postgres: { name: 'default', ...address(postgres), database: DATABASE, password_file: passwordFile },
      clickhouse: { name: 'default', ...address(clickhouse18), port: clickhouse18?.ports['native'] ?? 9000 },
    };
    programs = await startPrograms(await sharedCluster(), {
      agentConfig: {
        plugins: Object.entries(connections).map(([type, each]) => ({ type, config: { connections: [each] } })),
      },
    });
    tasks = new TaskClient(programs);
  });

  afterAll(async () => {
    await programs.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function address(of: Service | undefined): { host: string; port: number; user: string } {
    return { host: of?.host ?? '127.0.0.1', port: of?.port ?? 1, user: of?.user ?? 'nobody' };
  }

  describe.skipIf(!hasServices('postgres'))('4.2 postgres', () => {
    let witness: Client;
    let target: Record<string, unknown>;

    beforeAll(async () => {
      const { host, port, user, password } = postgres!;
      const admin = new Client({ host, port, user, password, database: 'postgres' });
      await admin.connect();
      await admin.query(`CREATE DATABASE ${DATABASE}`);
      await admin.end();
      witness = new Client({ host, port, user, password, database: DATABASE });
      await witness.connect();
      target = { host, port, user, password, database: DATABASE };
    });

    // What another try has left, which may have failed anywhere.
    beforeEach(async () => {
      await witness.query('DROP TABLE IF EXISTS users, a, b, c');
    });

    afterAll(async () => {
      await witness.end();
      const admin = new Client({ ...postgres!, ssl: false, database: 'postgres' });
      await admin.connect();
      await admin.query(`DROP DATABASE ${DATABASE} WITH (FORCE)`);
      await admin.end();
    });

    const rowsOf = async (sql: string): Promise<unknown[]> => (await witness.query<Record<string, unknown>>(sql)).rows;

    it('example 1: several statements on a target, with TLS', async () => {
      const created = await tasks.create({
        type: 'postgres',
        command:
          "CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(100)); INSERT INTO users (name) VALUES ('test');",
        params: {
          target: { ...target, sslmode: postgres!.caFile === undefined ? 'disable' : 'require' },
          exec_options: { trans_batch_size: 200, timeout_ms: 600_000 },
        },
      });
      expect(JSON.parse(created.params)).toMatchObject({ target: { host: target['host'], password: '***' } });
      const task = await tasks.ended(created.id);
      expect(task.status, task.error).toBe('success');
      expect(task.result).toBe(
        'Statement 1: SUCCESS (Affected rows: 0)\nSQL: CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(100))\n\n' +
          "Statement 2: SUCCESS (Affected rows: 1)\nSQL: INSERT INTO users (name) VALUES ('test')",
      );
      expect(await rowsOf('SELECT * FROM users')).toEqual([{ id: 1, name: 'test' }]);
    });

    it("example 2: a SELECT on a connection of the agent's configuration, with its rows", async () => {
      await witness.query("CREATE TABLE users (id int, name text); INSERT INTO users VALUES (1, 'test')");
      const params = { connection: 'default', exec_options: { timeout_ms: 600_000 } };
      const task = await tasks.run({ type: 'postgres', command: 'SELECT * FROM users', params });
      expect(task.status, task.error).toBe('success');
      expect(task.result).toBe(
        'Statement 1: SUCCESS (Affected rows: 1)\nSQL: SELECT * FROM users\n id | name\n----+------\n  1 | test\n(1 row)',
      );
    });

    it('batches of statements: the one that fails rolls back its own batch alone', async () => {
      const params = { connection: 'default', exec_options: { trans_batch_size: 2 } };
      const command = 'CREATE TABLE a (x int); CREATE TABLE b (x int); CREATE TABLE c (x int); SELEKT 1;';
      const task = await tasks.run({ type: 'postgres', command, params });
      expect(task.status).toBe('failed');
      expect(task.error).toMatch(/^SQL execution failed: Statement 4: ERROR - .*syntax error.*\nSQL: SELEKT 1/);
      const names = await rowsOf("SELECT tablename FROM pg_tables WHERE tablename IN ('a', 'b', 'c') ORDER BY 1");
      expect(names).toEqual([{ tablename: 'a' }, { tablename: 'b' }]);
    });

    it('sleeps between batches', async () => {
      const params = { connection: 'default', exec_options: { trans_batch_size: 1, sleep_ms: 400 } };
      const command = 'SELECT clock_timestamp() t; SELECT clock_timestamp() t';
      const task = await tasks.run({ type: 'postgres', command, params: { ...params, result_format: 'json' } });
      expect(task.status, task.error).toBe('success');
      const { statements } = JSON.parse(task.result) as { statements: { rows: Record<string, string>[] }[] };
      const [first, second] = statements.map(({ rows }) => Date.parse(String(Object.values(rows[0]!)[0])));
      expect(second! - first!).toBeGreaterThanOrEqual(400);
    });

    it('has failed after timeout_ms, whatever the server does', async () => {
      const params = { connection: 'default', exec_options: { timeout_ms: 300 } };
      const task = await tasks.run({ type: 'postgres', command: 'SELECT pg_sleep(600)', params });
      expect(task).toMatchObject({
        status: 'failed',
        error: expect.stringContaining('execution timeout after 300 ms') as string,
      });
    });

    it("the database: the target's before params' before the connection's before postgres", async () => {
      const database = async (params: object): Promise<string | undefined> => {
        const task = await tasks.run({ type: 'postgres', command: 'SELECT current_database() AS db', params });
        expect(task.status, task.error).toBe('success');
        return /\n +(\w+) *\n\(1 row\)/.exec(task.result)?.[1];
      };
      const { database: _without, ...nowhere } = target;
      expect(await database({ target, database: 'template1' })).toBe(DATABASE);
      expect(await database({ target: { ...nowhere, db: DATABASE }, database: 'template1' })).toBe(DATABASE);
      expect(await database({ target: nowhere, database: DATABASE })).toBe(DATABASE);
      expect(await database({ connection: 'default' })).toBe(DATABASE);
      expect(await database({ target: nowhere })).toBe('postgres');
    });

    it('the target before the connection', async () => {
      const params = { target, connection: 'no-such' };
      expect((await tasks.run({ type: 'postgres', command: 'SELECT 1', params })).status).toBe('success');
    });

    it('neither target nor connection, a connection that is not there, a server that is not there', async () => {
      const error = async (params: object): Promise<string> =>
        (await tasks.run({ type: 'postgres', command: 'SELECT 1', params })).error;
      expect(await error({})).toBe('params is required, must provide target or connection');
      expect(await error({ connection: 'x' })).toMatch(/^connection 'x' not found/);
      expect(await error({ target: { ...target, port: 1 } })).toMatch(/^connection failed: /);
      expect(await error({ target: { ...target, password: 'wrong-word' } })).not.toContain('wrong-word');
    });

    it('the user postgres and the sslmode disable, unless the target says otherwise', async () => {
      const { user: _default, ...rest } = target;
      const command = 'SELECT current_user AS who, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
      const task = await tasks.run({ type: 'postgres', command, params: { target: rest } });
      expect(task.status, task.error).toBe('success');
      expect(task.result).toMatch(/\n postgres +\| f *\n\(1 row\)/);
    });

    it('connections are kept between tasks', async () => {
      const pids = new Set<string>();
      const params = { target };
      for (let i = 0; i < 4; i += 1) {
        const task = await tasks.run({ type: 'postgres', command: 'SELECT pg_backend_pid() AS pid', params });
        pids.add(/\n +(\d+)\n\(1 row\)/.exec(task.result)?.[1] ?? task.error);
      }
      expect([...pids]).toEqual([expect.stringMatching(/^\d+$/)]);
    });

    it('the parameters for audits are recorded', async () => {
      const metadata = { env: 'prod', creator: 'admin', ticket: 'T-1' };
      const task = await tasks.run({ type: 'postgres', command: 'SELECT 1', params: { target, metadata } });
      expect(JSON.parse(task.params)).toMatchObject({ metadata });
    });
  });

  describe.skipIf(!hasServices('clickhouse-18', 'clickhouse'))('4.5 clickhouse', () => {
    let witness: ClickHouseClient;
    let native: Record<string, unknown>;
    const exec_options = { timeout_ms: 600_000 };

    beforeAll(async () => {
      const { host, port, ports } = clickhouse18!;
      witness = createClient({ url: `http://${host}:${port}` });
      await witness.command({ query: `CREATE DATABASE ${DATABASE}` });
      const login = { user: 'tiangong', password: 'secret', database: DATABASE };
      native = { host, port: ports['native'], protocol: 'native', ...login };
    });

    beforeEach(async () => {
      await witness.command({ query: `DROP TABLE IF EXISTS ${DATABASE}.test_table` });
    });

    afterAll(async () => {
      await witness.command({ query: `DROP DATABASE ${DATABASE}` });
      await witness.close();
    });

    const rowsOf = async (query: string): Promise<unknown[]> =>
      (await witness.query({ query, format: 'JSONEachRow' })).json();

    it('example 1: several statements by the native protocol, with the rows that the server counted', async () => {
      const task = await tasks.run({
        type: 'clickhouse',
        command:
          "CREATE TABLE test_table (id UInt32, name String) ENGINE = MergeTree() ORDER BY id; INSERT INTO test_table VALUES (1, 'test');",
        params: { target: native, exec_options },
      });
      expect(task.status, task.error).toBe('success');
      expect(task.result).toBe(
        'Statement 1: SUCCESS (Affected rows: 0)\nSQL: CREATE TABLE test_table (id UInt32, name String) ENGINE = MergeTree() ORDER BY id\n\n' +
          "Statement 2: SUCCESS (Affected rows: 1)\nSQL: INSERT INTO test_table VALUES (1, 'test')",
      );
      expect(await rowsOf(`SELECT * FROM ${DATABASE}.test_table`)).toEqual([{ id: 1, name: 'test' }]);
    });

    it('example 2: a SELECT by HTTP, with its rows', async () => {
      const { host, port } = clickhouse18!;
      await witness.command({ query: `CREATE TABLE ${DATABASE}.test_table (id UInt32, name String) ENGINE = Memory` });
      await witness.command({ query: `INSERT INTO ${DATABASE}.test_table VALUES (1, 'test')` });
      const task = await tasks.run({
        type: 'clickhouse',
        command: 'SELECT * FROM test_table',
        params: { target: { ...native, host, port, protocol: 'http' } },
      });
      expect(task.status, task.error).toBe('success');
      expect(task.result).toContain(' id | name\n----+------\n  1 | test\n(1 row)');
    });

    it('the connection `default` when nothing else is said, by the native protocol and in the database `default`', async () => {
      const task = await tasks.run({ type: 'clickhouse', command: 'SELECT currentDatabase() AS db', params: {} });
      expect(task.status, task.error).toBe('success');
      expect(task.result).toMatch(/\n +default *\n\(1 row\)/);
    });

    it('a server of today, by HTTP', async () => {
      const { host, port } = clickhouse26!;
      const own = `test_db_${randomBytes(4).toString('hex')}`;
      onTestFinished(async () => {
        await using client = createClient({ url: `http://${host}:${port}` });
        await client.command({ query: `DROP DATABASE IF EXISTS ${own}` });
      });
      const command = `CREATE DATABASE ${own}; CREATE TABLE ${own}.t (a UInt8) ENGINE = Memory; INSERT INTO ${own}.t VALUES (7); SELECT a FROM ${own}.t; DROP DATABASE ${own}`;
      const params = { target: { host, port, protocol: 'http' } };
      const task = await tasks.run({ type: 'clickhouse', command, params });
      expect(task.status, task.error).toBe('success');
      expect(task.result).toMatch(/ a\n---\n 7\n\(1 row\)/);
    });

    it('a statement that fails, and a deadline that passes', async () => {
      const bad = await tasks.run({ type: 'clickhouse', command: 'SELEKT 1', params: { target: native } });
      expect(bad.error).toMatch(/^SQL execution failed: Statement 1: ERROR - /);
      const params = { target: native, exec_options: { timeout_ms: 500 } };
      const late = await tasks.run({ type: 'clickhouse', command: 'SELECT sleep(3) FROM system.numbers', params });
      expect(late.error).toContain('execution timeout after 500 ms');
    });
  });

  it.each([
    ['postgres', undefined, 'SELECT 1', 5432],
    ['mysql', undefined, 'SELECT 1', 3306],
    ['doris', undefined, 'SELECT 1', 9030],
    ['clickhouse', undefined, 'SELECT 1', 9000],
    ['clickhouse', 'http', 'SELECT 1', 8123],
    ['mongo', undefined, '{"operation":"insert","collection":"c","documents":[{}]}', 27_017],
    ['elasticsearch', undefined, '{"operation":"index","index":"i","doc":{}}', 9200],
  ])('a target of %s (protocol %s) without a port is at the default one', async (type, protocol, command, port) => {
    // An address of the loopback interface that no server of this machine listens on.
    const target = { host: '127.77.1.1', user: 'nobody', ...(protocol !== undefined && { protocol }) };
    const task = await tasks.run({ type, command, params: { target } });
    expect(task).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(new RegExp(`^connection failed: .*\\b${port}\\b`)) as string,
    });
  });
});
