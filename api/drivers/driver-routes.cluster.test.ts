import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks, secrets } from '../../kube/resource.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import type { Answer } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';

const BODY = {
  endpoint: 'http://consumer/openapi.json',
  credential: { key: 'k3y-of-the-pusher' },
  admin_creds: { user: 'root', passwd: 'hunter2-of-root' },
  driver_params: { a: 1 },
};

describe.skipIf(!hasCluster())('the routes of drivers', () => {
  let api: ApiUnderTest;
  const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
    api.call(method, `/api/drivers${path}`, body);

  /** Plays operator and agent for the next action that is asked for; resolves with its task as it was asked for. */
  async function act(result: object, agent = 'doer'): Promise<DeployTask> {
    const waiting = async (): Promise<DeployTask | undefined> =>
      (await api.client.list(deployTasks, api.namespace)).items?.find((task) => task.status?.state === undefined);
    const task = await vi.waitUntil(waiting);
    await api.run(task.metadata.name, agent);
    const text = JSON.stringify(result);
    const { success, message } = result as { success: boolean; message: string };
    await api.finish(task.metadata.name, success ? 'Succeeded' : 'Failed', {
      result: { text, bytes: text.length },
      ...(!success && { error: message }),
    });
    return task;
  }

  beforeAll(async () => {
    api = await ApiUnderTest.start(await sharedCluster());
    await api.addAgent('doer', { taskTypes: ['shell', 'sync-action'] });
    await api.addAgent('shell-only', { taskTypes: ['shell'] });
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('say which drivers there are and how they ask for a configuration', async () => {
    const { body } = await call('GET', '');
    expect(body).toMatchObject({ pushers: expect.arrayContaining(['openapi', 'echo', 'fusion']) as string[] });
    for (const pusher of body['pushers'] as string[])
      expect((await call('GET', `/pushers/${pusher}/wizard`)).body).toHaveProperty('steps');
    for (const [path, kind] of [
      ['/sources/nope/wizard', 'Source'],
      ['/pushers/constructor/wizard', 'Pusher'],
    ] as const)
      expect(await call('GET', path)).toMatchObject({
        status: 404,
        body: {
          detail: expect.stringMatching(`${kind} driver '.*' not found. It is not an installed plugin.`) as string,
        },
      });
  });

  it('run an action on an agent, as a task that holds no secret', async () => {
    const fields = { properties: { 'events.path': { type: 'string' } } };
    const asked = act({ success: true, message: '成功发现 1 个目标字段。', fields });
    const answer = await call('POST', '/pushers/openapi/_actions/discover_fields', BODY);
    const task = await asked;
    const id = task.metadata.name;
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({ success: true, message: '成功发现 1 个目标字段。', fields, task_id: id });
    expect(task.spec).toMatchObject({
      agent: 'doer',
      type: 'sync-action',
      command: 'discover_fields',
      params: {
        ...{ side: 'pusher', driver: 'openapi', endpoint: BODY.endpoint, driver_params: { a: 1 } },
        target: { user: 'root' },
      },
    });
    const shown = await api.call('GET', `/api/v1/tasks/${id}`);
    expect(shown.body).toMatchObject({ type: 'sync-action', status: 'success' });
    for (const text of [JSON.stringify(task), JSON.stringify(shown.body), JSON.stringify(answer.body), api.log.join()])
      expect(text).not.toMatch(/k3y-of-the-pusher|hunter2-of-root/);
    const { secret_ref: ref, target } = task.spec.params as { secret_ref: string; target: { secret_ref: string } };
    const values = await Promise.all(
      [ref, target.secret_ref].map(async (name) => (await api.client.get(secrets, api.namespace, name)).data),
    );
    expect(values.map((data) => Object.keys(data ?? {}))).toEqual([['api_key'], ['passwd']]);
  });

  it('tell of a check that found something wrong, with 200 or with 400 as the original', async () => {
    const result = { success: false, message: 'no route to host' };
    for (const [path, status, body] of [
      ['/pushers/openapi/_actions/test_connection', 200, result],
      ['/sources/fs/_actions/check_privileges', 200, result],
      ['/sources/fs/_actions/test_connection', 400, { detail: 'no route to host', code: 'CheckFailed' }],
      ['/sources/fs/_actions/discover_fields_no_cache/', 400, { detail: 'no route to host' }],
    ] as const) {
      const asked = act(result);
      expect(await call('POST', `${path}?agent_id=doer`, BODY), path).toMatchObject({ status, body });
      await asked;
    }
  });

  it('refuse what cannot be', async () => {
    const path = '/pushers/openapi/_actions/test_connection';
    const refused: [path: string, body: unknown, status: number][] = [
      [path, { credential: 'x' }, 422],
      [path, { driver_params: [] }, 422],
      [path, '{', 422],
      [path, { endpoint: 'http://u:p@consumer/' }, 400],
      ['/sources/mysql/_actions/test_connection', { uri: 'root:hunter2@db:3306' }, 400],
      [path, { ...BODY, driver_params: { proxy: { password: 'hunter2' } } }, 400],
      ['/pushers/nope/_actions/test_connection', BODY, 404],
      ['/pushers/openapi/_actions/create_agent_user', BODY, 404],
      [`${path}?agent_id=nobody`, BODY, 404],
      [`${path}?agent_id=shell-only`, BODY, 400],
    ];
    for (const [where, body, status] of refused) {
      const answer = await call('POST', where, body);
      expect(answer.status, where).toBe(status);
      expect(answer.body).toHaveProperty('detail');
      expect(JSON.stringify(answer.body)).not.toContain('hunter2');
    }
    const { items } = await api.client.list(deployTasks, api.namespace);
    expect(JSON.stringify(items)).not.toContain('hunter2');
    expect((await call('GET', path)).status).toBe(405);
  });

  it('say so when no agent is online', async () => {
    await api.setOnline('doer', false, { taskTypes: ['shell', 'sync-action'] });
    await vi.waitFor(async () =>
      expect(await call('POST', '/pushers/openapi/_actions/test_connection', BODY)).toMatchObject({
        status: 503,
        body: { code: 'NoAgent' },
      }),
    );
    await api.setOnline('doer', true, { taskTypes: ['shell', 'sync-action'] });
  });
});
