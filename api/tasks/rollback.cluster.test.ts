import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks } from '../../kube/resource.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import { inline, MysqlTasks, SQL, summary, TARGET } from '../../test/api/mysql-tasks.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { TaskView } from './task-view.ts';

describe.skipIf(!hasCluster())('/tasks/{id}/rollback', () => {
  let api: ApiUnderTest;
  let tasks: MysqlTasks;

  beforeAll(async () => {
    api = await ApiUnderTest.start(await sharedCluster(), {}, 512 * 1024 * 1024);
    tasks = new MysqlTasks(api);
    await api.addAgent('db1', { taskTypes: ['mysql', 'shell'] });
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('makes a task that runs the SQL where the first ran, with its credentials in a Secret of its own', async () => {
    const id = await tasks.ran(inline(), {
      ...{ target: TARGET, database: 'shop', metadata: { ticket: 'T-1' } },
      exec_options: { trans_batch_size: 7, sleep_ms: 5, timeout_ms: 900_000, concurrency: 1 },
    });
    const task = await tasks.rolledBack(id);
    expect(task.spec).toMatchObject({ agent: 'db1', type: 'mysql', command: SQL });
    expect(task.spec.params).toEqual({
      ...{ rollback_of: id, database: 'shop', metadata: { ticket: 'T-1' } },
      target: { host: 'db', port: 3306, user: 'root', secret_ref: task.metadata.name },
      exec_options: { timeout_ms: 900_000 },
    });
    expect(await tasks.secret(task.metadata.name)).toEqual({ password: 'p4ss-of-target' });
    const { body } = await api.call<TaskView>('GET', `/api/v1/tasks/${task.metadata.name}`);
    expect(JSON.parse(body.params)).toMatchObject({ rollback_of: id, target: { password: '***' } });
    expect(JSON.stringify([task, body]) + api.log.join('')).not.toContain('p4ss-of');
  });

  it('shows the SQL and, in the task, what is known of it', async () => {
    const id = await tasks.ran(inline({ exact: false, message: 'table t has triggers' }));
    const shown = await fetch(`${api.url}/api/v1/tasks/${id}/rollback`);
    expect(await shown.text()).toBe(SQL);
    expect(shown.headers.get('content-type')).toBe('application/sql; charset=utf-8');
    const { body } = await api.call<TaskView>('GET', `/api/v1/tasks/${id}`);
    expect(body.rollback).toEqual({
      ...{ available: true, exact: false, statements: 1, bytes: SQL.length, message: 'table t has triggers' },
    });
  });

  it('rolls back what a failed task had committed', async () => {
    expect((await tasks.rolledBack(await tasks.ran(inline(), undefined, 'Failed'))).spec.command).toBe(SQL);
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    [
      'runs',
      async () => {
        const id = await tasks.create();
        await api.run(id, 'db1');
        return id;
      },
      /has not ended/,
    ],
    [
      'was never started',
      async () => {
        const id = await tasks.create();
        await api.patchStatus(id, { state: 'Canceled' });
        return id;
      },
      /never started/,
    ],
    [
      'is of another type',
      async () => {
        const body = { agent_id: 'db1', type: 'shell', command: 'true' };
        return (await api.call<TaskView>('POST', '/api/v1/tasks', body)).body.id;
      },
      /only tasks of type mysql/,
    ],
    ['brought none', () => tasks.ran(null), /agent told of none/],
    [
      'asked for no backup',
      () => tasks.ran(null, { target: TARGET, exec_options: { backup: false } }),
      /asked for no backup/,
    ],
    ['said so in the old way', () => tasks.ran(null, { target: TARGET, no_backup: true }), /asked for no backup/],
    ['was a review', () => tasks.ran(null, { target: TARGET, review: 'only' }), /was a review/],
    ['was lost', () => tasks.ran(null, undefined, 'Unknown'), /nobody knows how the task ended/],
    [
      'could make none',
      () => tasks.ran(summary('', { available: false, message: 'the binary log is off' })),
      /the binary log is off/,
    ],
    ['changed nothing', () => tasks.ran(summary('', { statements: 0 })), /nothing to undo/],
    [
      'brought something else',
      () => tasks.ran({ ...inline(), text: SQL.replace('1', '2') }),
      /not what the agent made/,
    ],
    ['could not upload it', () => tasks.ran({ ...inline(), bytes: 99_999, truncated: true }), /only the beginning/],
  ])('is refused for a task that %s', async (_what, make, why) => {
    const id = await make();
    const error = expect.stringMatching(new RegExp(`^no rollback available: .*${why.source}`)) as string;
    expect(await tasks.rollBack(id, { force: true })).toMatchObject({
      status: 409,
      body: { code: 'RollbackNotAvailable', error },
    });
    expect(await api.call('GET', `/api/v1/tasks/${id}/rollback`)).toMatchObject({ status: 409, body: { error } });
  });

  it('is refused for what is no task, and for agents that are not there', async () => {
    expect(await tasks.rollBack('task-nosuch')).toMatchObject({ status: 404, body: { code: 'TaskNotFound' } });
    const id = await tasks.ran();
    await api.setOnline('db1', false);
    expect(await tasks.rollBack(id)).toMatchObject({ status: 404, body: { code: 'AgentNotFound' } });
    await api.setOnline('db1', true, { taskTypes: ['mysql', 'shell'] });
    await expect.poll(async () => (await tasks.rollBack(id)).status).toBe(201);
  });

  it('does what is not exact only by force', async () => {
    const id = await tasks.ran(inline({ exact: false, message: 'table t has triggers' }));
    expect(await tasks.rollBack(id)).toMatchObject({
      ...{ status: 409, body: { code: 'RollbackNotExact' } },
    });
    expect((await tasks.rolledBack(id, { force: true })).spec.params).toMatchObject({ force: true });
  });

  it('is done once: not while another runs, and after its success only by force', async () => {
    const id = await tasks.ran();
    const { name } = (await tasks.rolledBack(id)).metadata;
    for (const force of [false, true])
      expect(await tasks.rollBack(id, { force })).toMatchObject({
        ...{ status: 409, body: { code: 'RollbackExists', error: expect.stringContaining(name) as string } },
      });
    await api.run(name, 'db1');
    await api.finish(name, 'Failed', { error: 'row 1 has changed' });
    const second = await tasks.rolledBack(id);
    await api.run(second.metadata.name, 'db1');
    await api.finish(second.metadata.name, 'Succeeded', { rollback: inline() });
    expect(await tasks.rollBack(id)).toMatchObject({ status: 409, body: { code: 'RollbackExists' } });
    await tasks.rolledBack(id, { force: true });
    // A rollback is a task, and may be rolled back itself.
    await tasks.rolledBack(second.metadata.name);
  });

  it('is begun once of many requests at once', async () => {
    const id = await tasks.ran();
    const answers = await Promise.all(Array.from({ length: 8 }, () => tasks.rollBack(id, { force: true })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
    const { metadata } = await api.task(id);
    const made = await api.client.list(deployTasks, api.namespace, {
      labelSelector: `tiangong.io/rollback-of=${metadata.uid}`,
    });
    expect(made.items).toHaveLength(1);
  });

  it('waits for one that is being created, but not for ever, and minds no nonsense', async () => {
    const claim = (id: string, text: string): Promise<unknown> =>
      api.client.patch(deployTasks, api.namespace, id, {
        metadata: { annotations: { 'tiangong.io/rolled-back-by': text } },
      });
    const id = await tasks.ran();
    await claim(id, JSON.stringify({ name: 'task-never-made', at: Date.now() }));
    expect(await tasks.rollBack(id, { force: true })).toMatchObject({ status: 409, body: { code: 'RollbackExists' } });
    await claim(id, JSON.stringify({ name: 'task-never-made', at: Date.now() - 180_000 }));
    await tasks.rolledBack(id);
    const next = await tasks.ran();
    await claim(next, JSON.stringify({ name: 'task-never-made', at: Date.now() + 24 * 3600_000 }));
    await tasks.rolledBack(next);
    for (const nonsense of ['', '{', 'null', '[]', '{"name":1,"at":2}', '"x"']) {
      const other = await tasks.ran();
      await claim(other, nonsense);
      await tasks.rolledBack(other);
    }
  });

  it('is one task for one Idempotency-Key', async () => {
    const id = await tasks.ran();
    const headers = { 'Idempotency-Key': `key-${id}` };
    const answers = await Promise.all(Array.from({ length: 4 }, () => tasks.rollBack(id, {}, headers)));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === 'true')).toHaveLength(3);
    expect(await tasks.rollBack(id, { force: true }, headers)).toMatchObject({
      body: { code: 'IdempotencyKeyReused' },
    });
    expect(await tasks.rollBack(await tasks.ran(), {}, headers)).toMatchObject({
      body: { code: 'IdempotencyKeyReused' },
    });
  });

  it('may be asked for again after a refusal', async () => {
    const id = await tasks.ran();
    const refused = await tasks.rollBack(id, { params: { metadata: { ticket: { nested: true } } } });
    expect(refused).toMatchObject({ status: 400, body: { code: 'InvalidRequest' } });
    const invalid = await tasks.rollBack(id, { params: { exec_options: { timeout_ms: -1 } } });
    expect(invalid).toMatchObject({ status: 400, body: { code: 'InvalidTask' } });
    await tasks.rolledBack(id);
  });

  it('waits for approval when the first task had to', async () => {
    const id = await tasks.create({ target: TARGET, approve: 'required' });
    const digest = `sha256:${'a'.repeat(64)}`;
    await api.patchStatus(id, { state: 'Pending' });
    await api.call('POST', `/api/v1/tasks/${id}/approve`);
    await api.patchStatus(id, { approval: { digest, time: new Date().toISOString() } });
    await api.run(id, 'db1');
    await api.finish(id, 'Succeeded', { rollback: inline() });
    const pending = { status: 'pending', approval_digest: expect.stringMatching(/^sha256:/) as string };
    // Not given is not taken away.
    expect(await tasks.rollBack(id, { params: { approve: null } })).toMatchObject({ status: 201, body: pending });
  });
});
