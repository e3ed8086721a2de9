import { randomBytes } from 'node:crypto';
import { createConnection } from 'mysql2/promise';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks, secrets } from '../../kube/resource.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import type { RestTask } from '../programs/rest-client.ts';
import { hasServices, service } from '../services/service.ts';

type Task = RestTask & { rollback?: { available: boolean; exact: boolean; statements: number; message?: string } };

const SERVERS = ['mysql', 'mariadb'] as const;
const SOON = { timeout: 60_000, interval: 50 };

describe.skipIf(!hasCluster() || !hasServices(...SERVERS))('tasks that are rolled back by REST', () => {
  let cluster: SharedCluster;
  let programs: Programs;

  beforeAll(async () => {
    cluster = await sharedCluster();
    programs = await startPrograms(cluster);
  });
  afterAll(() => programs?.stop());

  describe.each(SERVERS)('on %s', { timeout: 240_000 }, (name) => {
    const database = `rollback_${randomBytes(5).toString('hex')}`;
    let witness: Connection;
    let target: Record<string, unknown>;

    beforeAll(async () => {
      const { host, port, user, password } = await service(name);
      witness = await createConnection({ host, port, user, password, multipleStatements: true });
      await witness.query(`CREATE DATABASE ${database}; USE ${database}`);
      target = { host, port, user, password, db: database };
    });
    afterAll(async () => {
      await witness?.query(`DROP DATABASE ${database}`);
      await witness?.end();
    });

    /** A table of its own with three rows. */
    const table = async (columns = ''): Promise<string> => {
      const made = `t_${randomBytes(4).toString('hex')}`;
      await witness.query(
        `CREATE TABLE ${made} (id INT PRIMARY KEY, v VARCHAR(50)${columns});
         INSERT INTO ${made} (id, v) VALUES (1, 'one'), (2, 'zwei'), (3, '三')`,
      );
      return made;
    };
    const rows = async (of: string): Promise<unknown> =>
      (await witness.query<RowDataPacket[]>(`SELECT id, v FROM ${of} ORDER BY id`))[0].map(({ id, v }) => `${id} ${v}`);
    const post = (command: string, params: object = {}): Promise<Task> =>
      programs.rest.post('/tasks', {
        ...{ agent_id: programs.agentName, type: 'mysql', command, sync: true, timeout: 120 },
        params: { target, ...params },
      });
    const rollBack = (id: string, body: object = {}): Promise<Task> =>
      programs.rest.post(`/tasks/${id}/rollback`, { sync: true, timeout: 120, ...body });
    const succeeded = async (made: Promise<Task>): Promise<Task> => {
      const task = await made;
      expect(task.status, task.error).toBe('success');
      return task;
    };

    it('have the rows that they had, and by a rollback of that the new ones again', async () => {
      const t = await table();
      const before = await rows(t);
      const text = `UPDATE ${t} SET v = 'x' WHERE id < 3; DELETE FROM ${t} WHERE id = 3; INSERT INTO ${t} VALUES (4, 'vier')`;
      const task = await succeeded(post(text));
      expect(task.rollback).toMatchObject({ available: true, exact: true, statements: 4 });
      const after = await rows(t);
      const undone = await succeeded(rollBack(task.id));
      expect(await rows(t)).toEqual(before);
      expect(JSON.parse(undone.params)).toMatchObject({ rollback_of: task.id, target: { password: '***' } });
      await succeeded(rollBack(undone.id));
      expect(await rows(t)).toEqual(after);
    });

    it('lose only what a failed one had committed', async () => {
      const t = await table();
      const before = await rows(t);
      const text = `UPDATE ${t} SET v = 'x' WHERE id = 1; INSERT INTO ${t} VALUES (9, 'neun'); INSERT INTO ${t} VALUES (2, 'again')`;
      const task = await post(text, { exec_options: { trans_batch_size: 1 } });
      expect(task).toMatchObject({ status: 'failed', rollback: { available: true, statements: 2 } });
      expect(await rows(t)).not.toEqual(before);
      await succeeded(rollBack(task.id));
      expect(await rows(t)).toEqual(before);
    });

    it('leave a row alone that somebody changed since, unless they are forced', async () => {
      const t = await table();
      const before = await rows(t);
      const task = await succeeded(post(`UPDATE ${t} SET v = 'x' WHERE id < 3`));
      await witness.query(`UPDATE ${t} SET v = 'somebody' WHERE id = 2`);
      const refused = await rollBack(task.id);
      expect(refused.status).toBe('failed');
      expect(await rows(t)).toEqual(['1 x', '2 somebody', '3 三']);
      await succeeded(rollBack(task.id, { force: true }));
      expect(await rows(t)).toEqual(before);
      await expect(rollBack(task.id)).rejects.toThrow(/409.*RollbackExists/);
    });

    it('are refused where nothing was changed, and where it is not exact unless forced', async () => {
      const t = await table();
      const read = await succeeded(post(`SELECT * FROM ${t}`));
      await expect(rollBack(read.id)).rejects.toThrow(/409.*no rollback available: /);
      await witness.query(`CREATE TABLE ${t}_log (n INT);
        CREATE TRIGGER ${t}_trigger AFTER UPDATE ON ${t} FOR EACH ROW INSERT INTO ${t}_log VALUES (NEW.id)`);
      const before = await rows(t);
      const task = await succeeded(post(`UPDATE ${t} SET v = 'x' WHERE id = 1`));
      expect(task.rollback).toMatchObject({ available: true, exact: false });
      await expect(rollBack(task.id)).rejects.toThrow(/409.*RollbackNotExact/);
      await succeeded(rollBack(task.id, { force: true }));
      expect(await rows(t)).toEqual(before);
    });

    it.each([
      ['a command in the store', 2000],
      ['a file', 20_000],
    ])('are large enough to be %s', async (_what, count) => {
      const t = await table();
      const values = Array.from({ length: count }, (_, n) => `(${n + 10}, 'row ${n}')`).join();
      await witness.query(`INSERT INTO ${t} VALUES ${values}`);
      const checksum = async (): Promise<unknown> => (await witness.query(`CHECKSUM TABLE ${t}`))[0];
      const before = await checksum();
      const task = await succeeded(post(`UPDATE ${t} SET v = CONCAT(v, '!') WHERE id >= 10`));
      expect(task.rollback).toMatchObject({ available: true, exact: true, statements: count });
      expect(await checksum()).not.toEqual(before);
      await succeeded(rollBack(task.id));
      expect(await checksum()).toEqual(before);
    });

    it('wait for another approval when they needed one', async () => {
      const t = await table();
      const before = await rows(t);
      const as = (user: string): Record<string, string> => ({
        authorization: `Basic ${Buffer.from(`${user}:x`).toString('base64')}`,
      });
      const read = (id: string): Promise<Task> => programs.rest.get(`/tasks/${id}`);
      const approve = (id: string, user: string): Promise<Task> =>
        programs.rest.post(`/tasks/${id}/approve`, {}, as(user));
      const through = async (made: Promise<Task>, creator: string, approver: string): Promise<Task> => {
        const { id } = await made;
        await expect(approve(id, creator)).rejects.toThrow(/403/);
        await approve(id, approver);
        await vi.waitUntil(async () => !['pending', 'running'].includes((await read(id)).status), SOON);
        return succeeded(read(id));
      };
      const body = { agent_id: programs.agentName, type: 'mysql', command: `DELETE FROM ${t}` };
      const params = { target, approve: 'required' };
      const task = await through(programs.rest.post('/tasks', { ...body, params }, as('alice')), 'alice', 'bob');
      expect(await rows(t)).toEqual([]);
      await through(programs.rest.post(`/tasks/${task.id}/rollback`, {}, as('bob')), 'bob', 'alice');
      expect(await rows(t)).toEqual(before);
    });

    it('need the password again when its Secret is gone', async () => {
      const t = await table();
      const task = await succeeded(post(`DELETE FROM ${t} WHERE id = 1`));
      await cluster.client.delete(secrets, cluster.namespace, task.id);
      await expect(rollBack(task.id)).rejects.toThrow(/409.*CredentialsGone/);
      const { password } = target;
      await succeeded(rollBack(task.id, { params: { target: { password } } }));
      expect(await rows(t)).toHaveLength(3);
      const { items } = await cluster.client.list(deployTasks, cluster.namespace);
      expect(items.every(({ spec }) => spec.params?.target?.password === undefined)).toBe(true);
    });
  });
});
