import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { zipArchive } from '../../agent/testing/zip-archive.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import type { RestTask } from '../programs/rest-client.ts';
import { TaskClient } from '../programs/task-client.ts';
import { hasServices, service } from '../services/service.ts';
import type { Service } from '../services/service.ts';

const SERVERS = ['mysql', 'mariadb'] as const;
/** The manual's names are test_db and prod_db. */
const OWN = randomBytes(4).toString('hex');
const DATABASE = `test_db_${OWN}`;
const PROD = `prod_db_${OWN}`;

describe.skipIf(!hasCluster() || !hasServices(...SERVERS))("the manual's examples of MySQL tasks (§4.1)", () => {
  const folder = mkdtempSync(join(tmpdir(), 'tiangong-manual-'));
  const passwordFile = join(folder, 'password');
  const services = new Map<string, Service>();
  let cluster: SharedCluster;
  let programs: Programs;
  let tasks: TaskClient;

  beforeAll(async () => {
    for (const name of SERVERS) services.set(name, await service(name));
    writeFileSync(passwordFile, 'root\n');
    const connection = (name: string, of: string): object => {
      const { host, port, user } = services.get(of)!;
      return { name, host, port, user, password_file: passwordFile };
    };
    const connections = [
      connection('default', 'mysql'),
      connection('mysql', 'mysql'),
      connection('mariadb', 'mariadb'),
      { ...connection('prod', 'mysql'), database: PROD },
    ];
    cluster = await sharedCluster();
    programs = await startPrograms(cluster, {
      agentConfig: { plugins: [{ type: 'mysql', config: { connections } }] },
    });
    tasks = new TaskClient(programs);
  });

  afterAll(async () => {
    await programs.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  describe.each(SERVERS)('on %s', (name) => {
    let witness: Connection;
    let target: Record<string, unknown>;

    beforeAll(async () => {
      const { host, port, user, password } = services.get(name)!;
      witness = await createConnection({ host, port, user, password, multipleStatements: true });
      await witness.query(`CREATE DATABASE ${DATABASE}; CREATE DATABASE ${PROD}; USE ${DATABASE}`);
      await witness.query(`CREATE TABLE ${PROD}.orders (id INT PRIMARY KEY, name VARCHAR(100))`);
      target = { host, port, user, password, db: DATABASE };
    });

    // What another try has left, which may have failed anywhere.
    beforeEach(async () => {
      await witness.query(`ROLLBACK; DROP TABLE IF EXISTS users, times, gates; DELETE FROM ${PROD}.orders`);
    });

    afterAll(async () => {
      await witness.query(`DROP DATABASE ${DATABASE}; DROP DATABASE ${PROD}`);
      await witness.end();
    });

    const rowsOf = async (sql: string): Promise<unknown> => (await witness.query(sql))[0];
    /** The table of example 1, with its row. */
    const makeUsers = async (): Promise<void> => {
      await witness.query(`CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(100))`);
      await witness.query(`INSERT INTO users VALUES (1, 'test')`);
    };
    const upload = (file: string, content: string | Uint8Array<ArrayBuffer>): Promise<{ readonly id: string }> =>
      programs.rest.upload(file, new Blob([content]));
    const succeeded = (task: RestTask): string => {
      expect(task.status, task.error).toBe('success');
      return task.result.replaceAll(/^Execute Time: \d+\.\d{3}s$/gm, 'Execute Time: T');
    };

    it('example 1: several statements on a target, with what undoes them', async () => {
      const created = await tasks.create({
        type: 'mysql',
        command: "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(100)); INSERT INTO users VALUES (1, 'test');",
        params: {
          target,
          exec_options: { trans_batch_size: 200, backup: true, timeout_ms: 600_000 },
          metadata: { env: 'prod', creator: 'admin' },
        },
      });
      expect(JSON.parse(created.params)).toMatchObject({
        target: { host: target['host'], password: '***' },
        metadata: { env: 'prod', creator: 'admin' },
      });
      const task = await tasks.ended(created.id);
      const [create = '', insert = '', ...more] = succeeded(task).split('\n\n');
      expect(more).toEqual([]);
      expect(create).toMatch(
        /^Order ID: 1\nStage: EXECUTED\nStatus: Execute Successfully\nAffected Rows: 0\nExecute Time: T\nRollback SQL: .*users.*\nSQL: CREATE TABLE users \(id INT PRIMARY KEY, name VARCHAR\(100\)\)$/,
      );
      expect(insert).toMatch(
        /^Order ID: 2\nStage: EXECUTED\nStatus: Execute Successfully\nAffected Rows: 1\nExecute Time: T\nRollback SQL: DELETE FROM .*`users`.*`id`.*\nSQL: INSERT INTO users VALUES \(1, 'test'\)$/,
      );
      expect(await rowsOf('SELECT * FROM users')).toEqual([{ id: 1, name: 'test' }]);
      expect(await tasks.messages(task.id, 'Order ID: 2')).toEqual(
        expect.arrayContaining([
          expect.stringMatching(
            /^\[EXECUTED\] Execute Successfully \(Order ID: 2\) \(Affected rows: 1\) \(Execute time: \d+\.\d{3}s\)$/,
          ),
        ]),
      );
    });

    it("example 2: a SELECT on a connection of the agent's configuration, with its rows", async () => {
      await makeUsers();
      const params = { connection: name, database: DATABASE, exec_options: { backup: true } };
      const task = await tasks.run({ type: 'mysql', command: 'SELECT * FROM users', params });
      expect(succeeded(task)).toMatch(
        /^Order ID: 1\nStage: EXECUTED\nStatus: Execute Successfully\nAffected Rows: \d\nExecute Time: T\nSQL: SELECT \* FROM users\n id \| name\n----\+------\n {2}1 \| test\n\(1 row\)$/,
      );
    });

    it('example 3: a file of SQL', async () => {
      await makeUsers();
      const { id } = await upload('two.sql', "INSERT INTO users VALUES (2, 'from'), (3, 'file');\n");
      const task = await tasks.run({ type: 'mysql', file_id: id, params: { target, exec_options: { backup: true } } });
      expect(succeeded(task)).toContain('Affected Rows: 2\n');
      expect(await rowsOf('SELECT name FROM users WHERE id IN (2, 3)')).toEqual([{ name: 'from' }, { name: 'file' }]);
    });

    it('example 4: the SQL file in a zip that params.file_name names', async () => {
      await makeUsers();
      const zip = zipArchive([
        { name: 'a.sql', bytes: "INSERT INTO users VALUES (4, 'the first')" },
        { name: 'sub/migration_v1.sql', bytes: "INSERT INTO users VALUES (5, 'the one')" },
      ]);
      const { id } = await upload('migrations.zip', new Uint8Array(zip));
      const params = { target, file_name: 'migration_v1.sql', exec_options: { backup: true } };
      succeeded(await tasks.run({ type: 'mysql', file_id: id, params }));
      expect(await rowsOf('SELECT name FROM users WHERE id IN (4, 5)')).toEqual([{ name: 'the one' }]);
    });

    it('example 5: no database named, and tables with that of theirs', async () => {
      await makeUsers();
      const { db: _none, ...nowhere } = target;
      const task = await tasks.run({
        type: 'mysql',
        command: `SELECT * FROM ${DATABASE}.users WHERE id = 1; INSERT INTO ${PROD}.orders VALUES (1, 'order1');`,
        params: { target: nowhere, exec_options: { backup: true } },
      });
      const [select, insert] = succeeded(task).split('\n\n');
      expect(select).toContain('  1 | test\n(1 row)');
      expect(insert).toMatch(/\nRollback SQL: DELETE FROM /);
      expect(await rowsOf(`SELECT * FROM ${PROD}.orders`)).toEqual([{ id: 1, name: 'order1' }]);
    });

    it('batches of statements: the one that fails rolls back its own batch alone', async () => {
      await makeUsers();
      const params = { target, exec_options: { trans_batch_size: 2 } };
      const command = ['(10)', '(11)', '(12)', '(10)'].map((row) => `INSERT INTO users (id) VALUES ${row}`).join(';\n');
      const task = await tasks.run({ type: 'mysql', command, params });
      expect(task.status).toBe('failed');
      expect(task.error).toMatch(
        /^SQL execution failed: Statement 4: ERROR - .*Duplicate entry.*\nSQL: INSERT INTO users \(id\) VALUES \(10\)/,
      );
      expect(await rowsOf('SELECT id FROM users WHERE id >= 10 ORDER BY id')).toEqual([{ id: 10 }, { id: 11 }]);
    });

    it('sleeps between batches', async () => {
      const params = { target, exec_options: { trans_batch_size: 1, sleep_ms: 400 }, result_format: 'json' };
      await witness.query('CREATE TABLE times (at DATETIME(6))');
      const command = 'INSERT INTO times VALUES (SYSDATE(6)); INSERT INTO times VALUES (SYSDATE(6))';
      const task = await tasks.run({ type: 'mysql', command, params });
      expect(task.status, task.error).toBe('success');
      const [row] = (await rowsOf('SELECT TIMESTAMPDIFF(MICROSECOND, MIN(at), MAX(at)) us FROM times')) as object[];
      expect((row as { us: number }).us).toBeGreaterThanOrEqual(400_000);
    });

    it('has failed after timeout_ms, and nothing runs on the server any more', async () => {
      const mark = randomBytes(4).toString('hex');
      const command = `SELECT SLEEP(600) /* ${mark} */`;
      const task = await tasks.run({ type: 'mysql', command, params: { target, exec_options: { timeout_ms: 300 } } });
      expect(task).toMatchObject({
        status: 'failed',
        error: expect.stringContaining('execution timeout after 300 ms') as string,
      });
      const running = `SELECT id FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)%${mark}%' AND info NOT LIKE '%processlist%'`;
      // A server answers before its list of processes is up to date.
      await expect.poll(() => rowsOf(running)).toEqual([]);
    });

    it('concurrency: statements at the same time', async () => {
      await witness.query('CREATE TABLE gates (id INT PRIMARY KEY, n INT); INSERT INTO gates VALUES (1, 0), (2, 0)');
      await witness.query('START TRANSACTION; SELECT * FROM gates FOR UPDATE');
      const { id } = await tasks.create({
        type: 'mysql',
        command: 'UPDATE gates SET n = 1 WHERE id = 1;\nUPDATE gates SET n = 1 WHERE id = 2',
        params: { target, exec_options: { concurrency: 2, trans_batch_size: 1 } },
      });
      const waiting = `SELECT id FROM information_schema.processlist WHERE db = '${DATABASE}' AND info LIKE 'UPDATE gates%'`;
      await expect.poll(() => rowsOf(waiting)).toHaveLength(2);
      await witness.query('COMMIT');
      succeeded(await tasks.ended(id));
      expect(await rowsOf('SELECT n FROM gates')).toEqual([{ n: 1 }, { n: 1 }]);
    });

    it("the database: the target's before params' before the connection's before mysql", async () => {
      const database = async (params: object): Promise<string | undefined> => {
        const task = await tasks.run({ type: 'mysql', command: 'SELECT DATABASE() AS db', params });
        return /\n +(\w+) *\n\(1 row\)/.exec(succeeded(task))?.[1];
      };
      const { db: _none, ...nowhere } = target;
      expect(await database({ target, database: 'sys' })).toBe(DATABASE);
      expect(await database({ target: { ...nowhere, database: DATABASE }, database: 'sys' })).toBe(DATABASE);
      expect(await database({ target: nowhere, database: DATABASE })).toBe(DATABASE);
      expect(await database({ target: nowhere })).toBe('mysql');
      if (name === 'mysql') expect(await database({ connection: 'prod' })).toBe(PROD);
    });

    it('neither target nor connection, a connection that is not there, a server that is not there', async () => {
      const error = async (params: object): Promise<string> =>
        (await tasks.run({ type: 'mysql', command: 'SELECT 1', params })).error;
      expect(await error({})).toBe('params is required, must provide target or connection');
      expect(await error({ connection: 'x' })).toMatch(/^connection 'x' not found/);
      expect(await error({ target: { ...target, port: 1 } })).toMatch(/^connection failed: /);
      expect(await error({ target: { ...target, password: 'wrong-word' } })).not.toContain('wrong-word');
    });

    it('connections are kept between tasks, and nothing of a task stays in them', async () => {
      const command = 'SELECT CONNECTION_ID() AS id, @mine AS mine; SET @mine = 1';
      const seen = new Set<string>();
      for (let i = 0; i < 3; i += 1)
        seen.add(
          /\n +(\d+) \| (\w+) *\n\(1 row\)/
            .exec((await tasks.run({ type: 'mysql', command, params: { target } })).result)
            ?.slice(1)
            .join(' ') ?? '',
        );
      expect([...seen]).toEqual([expect.stringMatching(/^\d+ NULL$/)]);
    });

    it('text is the default, and JSON says the same', async () => {
      await makeUsers();
      const params = { target, result_format: 'json' };
      const task = await tasks.run({ type: 'mysql', command: 'SELECT * FROM users WHERE id = 1', params });
      expect(JSON.parse(task.result)).toMatchObject({
        success: true,
        statements: [
          { order_id: 1, stage: 'EXECUTED', stage_status: 'Execute Successfully', rows: [{ id: 1, name: 'test' }] },
        ],
      });
    });

    it('a password with every special character', async () => {
      const [user, password] = [`user_${randomBytes(4).toString('hex')}`, ` !"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~ä€文😀`];
      await witness.query(`CREATE USER ${user}@'%' IDENTIFIED BY ${witness.escape(password)}`);
      onTestFinished(async () => {
        await witness.query(`DROP USER ${user}@'%'`);
      });
      const { db: _none, ...nowhere } = target;
      const params = { target: { ...nowhere, user, password } };
      expect(succeeded(await tasks.run({ type: 'mysql', command: 'SELECT CURRENT_USER()', params }))).toContain(user);
    });

    it('the login of a Secret', async () => {
      const { password, ...open } = target;
      const secret = `login-${randomBytes(4).toString('hex')}`;
      await cluster.client.raw({
        method: 'POST',
        path: `/api/v1/namespaces/${cluster.namespace}/secrets`,
        body: JSON.stringify({
          ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: secret }, type: 'tiangong.io/credential' },
          stringData: { password },
        }),
      });
      const params = { target: { ...open, secret_ref: secret } };
      succeeded(await tasks.run({ type: 'mysql', command: 'SELECT 1', params }));
    });

    it('the parameters for audits are recorded', async () => {
      const metadata = { env: 'prod', creator: 'admin', ticket: 'T-1' };
      const task = await tasks.run({ type: 'mysql', command: 'SELECT 1', params: { target, metadata } });
      expect(JSON.parse(task.params)).toMatchObject({ metadata });
    });
  });
});
