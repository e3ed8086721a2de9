import { randomBytes } from 'node:crypto';
import { createConnection } from 'mysql2/promise';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GoInceptionStandIn } from '../../agent/executors/mysql/goinception/testing/stand-in.ts';
import { zipArchive } from '../../agent/testing/zip-archive.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import type { RestTask } from '../programs/rest-client.ts';
import { TaskClient } from '../programs/task-client.ts';
import { hasServices, service } from '../services/service.ts';

/** The manual's names are test_db and prod_db. */
const OWN = randomBytes(4).toString('hex');
const DATABASE = `test_db_${OWN}`;
const PROD = `prod_db_${OWN}`;

/** No real goInception can be had; the stand-in speaks its protocol and executes on a real MySQL. */
describe.skipIf(!hasCluster() || !hasServices('mysql'))(
  "the manual's examples of MySQL tasks by goInception (§4.1)",
  () => {
    let standIn: GoInceptionStandIn;
    let programs: Programs;
    let tasks: TaskClient;
    let witness: Connection;
    let target: Record<string, unknown>;
    let backupOf: (database: string) => string;

    beforeAll(async () => {
      const { host, port, user, password } = await service('mysql');
      target = { host, port, user, password, db: DATABASE };
      backupOf = (database) => `${host.replaceAll('.', '_')}_${port}_${database}`;
      witness = await createConnection({ host, port, user, password, multipleStatements: true });
      await witness.query(`CREATE DATABASE ${DATABASE}; CREATE DATABASE ${PROD}; USE ${DATABASE}`);
      await witness.query(`CREATE TABLE ${PROD}.orders (id INT PRIMARY KEY, name VARCHAR(100))`);
      standIn = await GoInceptionStandIn.start({ backup: { host, port, user, password } });
      const config = {
        goinception_url: `mysql://127.0.0.1:${standIn.address.port}`,
        goinception_backup_host: host,
        goinception_backup_port: port,
        goinception_backup_user: user,
        goinception_backup_password_env: 'GOINCEPTION_PASSWORD',
        connections: [{ name: 'default', host, port, user, password_env: 'GOINCEPTION_PASSWORD' }],
      };
      programs = await startPrograms(await sharedCluster(), {
        agentConfig: { plugins: [{ type: 'mysql', config }] },
        agentEnv: { GOINCEPTION_PASSWORD: password },
      });
      tasks = new TaskClient(programs);
    });

    // What another try has left, which may have failed anywhere.
    beforeEach(async () => {
      standIn.seen.length = 0;
      await witness.query(`DROP TABLE IF EXISTS users; DELETE FROM ${PROD}.orders`);
    });

    afterAll(async () => {
      await programs.stop();
      await standIn.close();
      for (const name of [DATABASE, PROD, backupOf(DATABASE), backupOf(PROD)])
        await witness.query(`DROP DATABASE IF EXISTS ${name}`);
      await witness.end();
    });

    const rowsOf = async (sql: string): Promise<unknown> => (await witness.query(sql))[0];
    const upload = (file: string, content: string | Uint8Array<ArrayBuffer>): Promise<{ readonly id: string }> =>
      programs.rest.upload(file, new Blob([content]));
    const succeeded = (task: RestTask): string => {
      expect(task.status, task.error).toBe('success');
      return task.result.replaceAll(/^Execute Time: \d+\.\d{3}s$/gm, 'Execute Time: T');
    };
    const backup = { exec_options: { backup: true } };
    /** The table of example 1, with its row. */
    const makeUsers = async (): Promise<void> => {
      await witness.query('CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(100))');
      await witness.query("INSERT INTO users VALUES (1, 'test')");
    };

    it('example 1: the lines of the result in the order of the manual', async () => {
      const task = await tasks.run({
        type: 'mysql',
        command: "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(100)); INSERT INTO users VALUES (1, 'test');",
        params: {
          target,
          exec_options: { trans_batch_size: 200, backup: true, timeout_ms: 600_000 },
          metadata: { env: 'prod', creator: 'admin' },
        },
      });
      expect(succeeded(task)).toBe(
        [
          ...['Order ID: 1', 'Stage: EXECUTED', 'Status: Execute Successfully', 'Affected Rows: 0', 'Execute Time: T'],
          ...[`Backup DB: ${backupOf(DATABASE)}`, `Rollback SQL: DROP TABLE \`${DATABASE}\`.\`users\`;`],
          ...['SQL: CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(100))', ''],
          ...['Order ID: 2', 'Stage: EXECUTED', 'Status: Execute Successfully', 'Affected Rows: 1', 'Execute Time: T'],
          ...[
            `Backup DB: ${backupOf(DATABASE)}`,
            `Rollback SQL: DELETE FROM \`${DATABASE}\`.\`users\` WHERE \`id\`=1;`,
          ],
          "SQL: INSERT INTO users VALUES (1, 'test')",
        ].join('\n'),
      );
      expect(await rowsOf('SELECT * FROM users')).toEqual([{ id: 1, name: 'test' }]);
      expect(standIn.texts).toHaveLength(1);
    });

    it('example 2: a SELECT, which goInception refuses, goes to the server itself', async () => {
      await makeUsers();
      const params = { connection: 'default', database: DATABASE, ...backup };
      const task = await tasks.run({ type: 'mysql', command: 'SELECT * FROM users', params });
      expect(succeeded(task)).toContain('\nSQL: SELECT * FROM users\n id | name\n----+------\n  1 | test\n(1 row)');
      expect(standIn.texts).toEqual([]);
    });

    it('example 3 and 4: a file of SQL, and the one in a zip that params.file_name names', async () => {
      await makeUsers();
      const plain = await upload('two.sql', "INSERT INTO users VALUES (2, 'from'), (3, 'file');\n");
      const three = await tasks.run({ type: 'mysql', file_id: plain.id, params: { target, ...backup } });
      expect(succeeded(three)).toContain('Affected Rows: 2\n');
      const zip = zipArchive([
        { name: 'a.sql', bytes: "INSERT INTO users VALUES (4, 'the first')" },
        { name: 'migration_v1.sql', bytes: "INSERT INTO users VALUES (5, 'the one')" },
      ]);
      const packed = await upload('migrations.zip', new Uint8Array(zip));
      const params = { target, file_name: 'migration_v1.sql', ...backup };
      succeeded(await tasks.run({ type: 'mysql', file_id: packed.id, params }));
      expect(await rowsOf('SELECT id FROM users')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }, { id: 5 }]);
    });

    it('example 5: no database named, and tables with that of theirs', async () => {
      await makeUsers();
      const { db: _none, ...nowhere } = target;
      const task = await tasks.run({
        type: 'mysql',
        command: `SELECT * FROM ${DATABASE}.users WHERE id = 1; INSERT INTO ${PROD}.orders VALUES (1, 'order1');`,
        params: { target: nowhere, ...backup },
      });
      const [select, insert] = succeeded(task).split('\n\n');
      expect(select).toContain('  1 | test\n(1 row)');
      expect(insert).toContain(`\nBackup DB: ${backupOf(PROD)}\nRollback SQL: DELETE FROM \`${PROD}\`.\`orders\``);
      expect(await rowsOf(`SELECT * FROM ${PROD}.orders`)).toEqual([{ id: 1, name: 'order1' }]);
    });

    it('a statement that fails, and what is not allowed, with the words of goInception', async () => {
      await makeUsers();
      const error = async (command: string): Promise<string> =>
        (await tasks.run({ type: 'mysql', command, params: { target, ...backup } })).error;
      expect(await error("INSERT INTO users VALUES (1, 'twice')")).toMatch(/Duplicate entry '1'/);
      expect(await error('INSERT INTO users (id) VALUES (9); DROP TABLE users')).toMatch(/is not allowed/);
      expect(await rowsOf('SELECT id FROM users WHERE id = 9')).toEqual([]);
    });
  },
);
