import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks, secrets } from '../../kube/resource.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import { inline, MysqlTasks, SQL, TARGET } from '../../test/api/mysql-tasks.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';

describe.skipIf(!hasCluster())('what a rollback is made of', () => {
  let api: ApiUnderTest;
  let tasks: MysqlTasks;

  beforeAll(async () => {
    api = await ApiUnderTest.start(await sharedCluster(), {}, 4 * 1024 * 1024 * 1024);
    tasks = new MysqlTasks(api);
    await api.addAgent('db1', { taskTypes: ['mysql', 'shell'] });
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  describe('credentials:', () => {
    it('asks for them when they are gone, and takes others', async () => {
      const id = await tasks.ran();
      await api.client.delete(secrets, api.namespace, id);
      expect(await tasks.rollBack(id)).toMatchObject({ status: 409, body: { code: 'CredentialsGone' } });
      const task = await tasks.rolledBack(id, { params: { target: { user: 'dba', password: 'p4ss-of-dba' } } });
      expect(task.spec.params?.target).toMatchObject({ host: 'db', user: 'dba', secret_ref: task.metadata.name });
      expect(await tasks.secret(task.metadata.name)).toEqual({ password: 'p4ss-of-dba' });
    });

    it('takes null for not given', async () => {
      const params = { target: { password: null, user: null }, exec_options: { ledger: null }, secret_ref: null };
      const task = await tasks.rolledBack(await tasks.ran(), { params });
      expect(task.spec.params?.target).toMatchObject({ user: 'root', secret_ref: task.metadata.name });
      expect(task.spec.params?.exec_options).toBeUndefined();
      expect(await tasks.secret(task.metadata.name)).toEqual({ password: TARGET.password });
    });

    it('names the Secret that the first task named, and may name another', async () => {
      const id = await tasks.ran(inline(), { target: { host: 'db', secret_ref: 'ours' } });
      expect((await tasks.rolledBack(id)).spec.params?.target).toEqual({ host: 'db', secret_ref: 'ours' });
      const other = await tasks.ran();
      const task = await tasks.rolledBack(other, { params: { target: { secret_ref: 'theirs' } } });
      expect(task.spec.params?.target).toMatchObject({ secret_ref: 'theirs' });
    });

    it('copies none that were made for another task', async () => {
      const theirs = await tasks.ran();
      const id = await tasks.ran(inline(), { target: { host: 'evil', secret_ref: theirs } });
      expect((await tasks.rolledBack(id)).spec.params?.target).toEqual({ host: 'evil', secret_ref: theirs });
    });

    it('are named, not given, where the task is not at home', async () => {
      const { namespace } = await sharedCluster();
      const spec = {
        ...{ agent: 'db1', type: 'mysql' as const, command: 'UPDATE t SET a=2' },
        // Metadata that REST would refuse.
        params: { connection: 'shop', metadata: { deep: { er: [1] }, ticket: 'T-7' } },
      };
      await api.client.create(deployTasks, namespace, { metadata: { name: 'applied' }, spec });
      const assignment = { agent: 'db1', epoch: 1 };
      for (const status of [
        { state: 'Assigned', assignment },
        { state: 'Failed', rollback: inline() },
      ])
        await api.client.patch(deployTasks, namespace, 'applied', { status }, { subresource: 'status' });
      const id = `${namespace}:applied`;
      const given = await tasks.rollBack(id, { params: { target: { password: 'p4ss' } } });
      expect(given).toMatchObject({ status: 400, body: { code: 'InvalidRequest' } });
      const answer = await tasks.rollBack(id);
      expect(answer).toMatchObject({ status: 201 });
      const [, name = ''] = answer.body.id.split(':');
      const made = await api.client.get(deployTasks, namespace, name);
      expect(made.spec.params).toEqual({ connection: 'shop', metadata: { ticket: 'T-7' }, rollback_of: 'applied' });
    });

    it.each([
      { target: { host: 'elsewhere' } },
      { target: { port: 1 } },
      { connection: 'prod' },
      { database: 'other' },
      { rollback_of: 'task-1' },
      { review: 'only' },
      { exec_options: { concurrency: 4 } },
      { target: [] },
    ])('refuses to go anywhere else: %j', async (params) => {
      expect(await tasks.rollBack(await tasks.ran(), { params })).toMatchObject({
        status: 400,
        body: { code: 'InvalidRequest' },
      });
    });
  });

  describe('a text', () => {
    const script = (bytes: number): Buffer => Buffer.alloc(bytes, SQL);
    const pending = async (id: string): Promise<void> =>
      expect(await tasks.rollBack(id)).toMatchObject({ status: 409, body: { code: 'RollbackPending' } });

    it('of 64 KiB stands in the task', async () => {
      const text = script(64 * 1024);
      expect((await tasks.rolledBack(await tasks.ranLong(text, {}, pending))).spec.command).toBe(text.toString());
    });

    it('of up to 1 MiB is a command in the store', async () => {
      const text = script(1024 * 1024);
      const { spec } = await tasks.rolledBack(await tasks.ranLong(text, {}, pending));
      expect(spec.commandFrom?.blob).toMatchObject({ bytes: text.length, sha256: hash('sha256', text) });
    });

    it('of 100 MiB is a file, which nobody may delete meanwhile', async () => {
      const text = script(100 * 1024 * 1024 + 1);
      const sha256 = hash('sha256', text);
      const id = await tasks.ranLong(text, {}, pending);
      const { spec } = await tasks.rolledBack(id);
      expect(spec).toMatchObject({ fileId: expect.stringMatching(/^file-/) as string, fileSha256: sha256 });
      expect(await api.call('DELETE', `/api/v1/files/${spec.fileId}`)).toMatchObject({ status: 409 });
      const shown = await fetch(`${api.url}/api/v1/tasks/${id}/rollback`);
      expect(hash('sha256', Buffer.from(await shown.arrayBuffer()))).toBe(sha256);
    });

    it('that is not what the agent made is not run', async () => {
      const sha256 = 'f'.repeat(64);
      for (const bytes of [5000, 2 * 1024 * 1024]) {
        const id = await tasks.ranLong(script(bytes), { sha256 }, pending);
        expect(await tasks.rollBack(id)).toMatchObject({ status: 409, body: { code: 'RollbackNotAvailable' } });
        const shown = await fetch(`${api.url}/api/v1/tasks/${id}/rollback`);
        if (bytes === 5000) expect(shown.status).toBe(409);
        else await expect(shown.arrayBuffer()).rejects.toThrow();
      }
    });
  });
});
