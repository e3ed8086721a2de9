import { randomBytes } from 'node:crypto';
import { createConnection } from 'mysql2/promise';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';
import { hasServices, service } from '../services/service.ts';

/** The manual's name is test_db. */
const DATABASE = `test_db_${randomBytes(4).toString('hex')}`;

/** No real Doris can be had; MySQL speaks its protocol. */
describe.skipIf(!hasCluster() || !hasServices('mysql'))("the manual's example of Doris tasks (§4.6)", () => {
  let programs: Programs;
  let tasks: TaskClient;
  let witness: Connection;

  beforeAll(async () => {
    const { host, port, user, password } = await service('mysql');
    witness = await createConnection({ host, port, user, password, multipleStatements: true });
    await witness.query(`CREATE DATABASE ${DATABASE}; CREATE TABLE ${DATABASE}.table1 (id INT, name VARCHAR(20))`);
    const connection = { name: 'default', host, port, user, password_env: 'DORIS_PASSWORD' };
    programs = await startPrograms(await sharedCluster(), {
      agentConfig: { plugins: [{ type: 'doris', config: { connections: [connection] } }] },
      agentEnv: { DORIS_PASSWORD: password },
    });
    tasks = new TaskClient(programs);
  });

  beforeEach(async () => {
    await witness.query(`DELETE FROM ${DATABASE}.table1; INSERT INTO ${DATABASE}.table1 VALUES (1, 'one'), (2, 'two')`);
  });

  afterAll(async () => {
    await programs.stop();
    await witness.query(`DROP DATABASE ${DATABASE}`);
    await witness.end();
  });

  it("the example: a SELECT on a connection of the agent's configuration", async () => {
    const params = { connection: 'default', database: DATABASE, exec_options: { timeout_ms: 1_800_000 } };
    const task = await tasks.run({ type: 'doris', command: 'SELECT * FROM table1 WHERE id = 1', params });
    expect(task.status, task.error).toBe('success');
    expect(task.result).toMatch(/\n id \| name\n----\+------\n {2}1 \| one\n\(1 row\)$/);
  });

  it('statements that write, each by itself and without a backup', async () => {
    const command = "INSERT INTO table1 VALUES (3, 'three'); DELETE FROM table1 WHERE id = 2; SELECT 1 FROM nowhere";
    const task = await tasks.run({ type: 'doris', command, params: { connection: 'default', database: DATABASE } });
    expect(task.error).toMatch(/^SQL execution failed: Statement 3: ERROR - /);
    expect(task.result).not.toMatch(/Rollback SQL: [^(]/);
    const [rows] = await witness.query(`SELECT id FROM ${DATABASE}.table1 ORDER BY id`);
    expect(rows).toEqual([{ id: 1 }, { id: 3 }]);
  });

  it('a backup that is asked for is refused, since there is no binary log', async () => {
    const params = { connection: 'default', database: DATABASE, exec_options: { backup: true } };
    const task = await tasks.run({ type: 'doris', command: 'DELETE FROM table1', params });
    expect(task.error).toMatch(/^backup is not possible: /);
  });
});
