import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks, secrets } from '../../kube/resource.ts';
import type { AuditRecord } from '../../store/audit.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import { ServiceAccounts } from '../../test/api/service-accounts.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import type { TaskView } from '../tasks/task-view.ts';

interface Listing {
  readonly records: readonly AuditRecord[];
  readonly head: { readonly seq: number; readonly hash: string };
}

describe.skipIf(!hasCluster())('the audit trail', () => {
  let api: ApiUnderTest;
  let cluster: SharedCluster;
  let stranger: string;
  const bearer = (user: string): Record<string, string> => ({ authorization: `Bearer ${cluster.tokenFor(user)}` });
  const call = (method: string, path: string, body?: unknown): ReturnType<ApiUnderTest['call']> =>
    api.call(method, path, body, bearer('admin'));
  const find = async (query: string): Promise<readonly AuditRecord[]> =>
    (await api.call<Listing>('GET', `/api/v1/audit?${query}`, undefined, bearer('admin'))).body.records;
  const create = async (body: object = {}): Promise<TaskView> => {
    const task = { agent_id: 'local', type: 'shell', command: 'x', ...body };
    return (await call('POST', '/api/v1/tasks', task)).body as TaskView;
  };
  /** A name that no other try has used. */
  const fresh = (word: string): string => `${word}-${ulid().toLowerCase()}`;
  const uidOf = async (name: string): Promise<string> => (await api.task(name)).metadata.uid ?? '';

  beforeAll(async () => {
    cluster = await sharedCluster();
    api = await ApiUnderTest.start(cluster, { auth: 'kubernetes' });
    await api.addAgent('local');
    const accounts = new ServiceAccounts(cluster.client, api.namespace);
    await accounts.create('stranger');
    stranger = await accounts.token('stranger');
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('has calls of both manuals: who, from where, what, on what and how it ended', async () => {
    const { id } = await create();
    await call('POST', `/api/v1/tasks/${id}/cancel`);
    const [noTask, noPusher, pusher] = [fresh('no-task'), fresh('no-pusher'), fresh('audited')];
    await call('POST', `/api/v1/tasks/${noTask}/cancel`);
    await call('POST', `/api/configs/pushers/${pusher}`, { config: { driver: 'echo', endpoint: '', credential: {} } });
    await call('DELETE', `/api/configs/pushers/${noPusher}`);
    const common = { user: 'tiangong:admin', source: '127.0.0.1', request_id: expect.any(String) as string };
    expect(await find(`object=tasks/${id}&after=0`)).toMatchObject([
      { ...common, action: 'createTask', method: 'POST', path: '/api/v1/tasks', status: 201, uid: await uidOf(id) },
      { ...common, action: 'cancelTask', path: `/api/v1/tasks/${id}/cancel`, status: 200 },
    ]);
    expect(await find(`object=tasks/${noTask}`)).toMatchObject([{ ...common, status: 404, code: 'TaskNotFound' }]);
    expect(await find(`object=configs/pushers/${pusher}`)).toMatchObject([{ ...common, action: 'addPusherConfig' }]);
    expect(await find(`object=configs/pushers/${noPusher}`)).toMatchObject([
      { ...common, action: 'deletePusherConfig', status: 404, code: 'ConfigNotFound' },
    ]);
  });

  it('has each task that a call made, whatever the call was', async () => {
    const second = fresh('second');
    await api.addAgent(second, { taskTypes: ['file', 'sync-action'] });
    await api.setOnline('local', true, { taskTypes: ['shell', 'api', 'file'] });
    const form = new FormData();
    form.set('file', new Blob([second]), 'audited.txt');
    const { seq } = api.store.audit.head;
    const upload = await fetch(`${api.url}/api/v1/files`, { method: 'POST', body: form, headers: bearer('admin') });
    const file = (await upload.json()) as { id: string };
    const sent = await call('POST', `/api/v1/files/${file.id}/distribute`, { agent_ids: ['local', second] });
    const ids = (sent.body as { tasks: { task_id: string }[] }).tasks.map(({ task_id: id }) => `tasks/${id}`);
    const records = await find(`action=distributeFile&after=${seq}`);
    expect(records.map(({ object, path }) => [object, path])).toEqual(
      ids.map((object) => [object, `/api/v1/files/${file.id}/distribute`]),
    );
    expect(new Set(records.map(({ request_id: id }) => id)).size).toBe(1);
    expect(await find(`action=uploadFile&after=${seq}`)).toMatchObject([{ object: 'files', status: 201 }]);
    const action = call('POST', '/api/drivers/sources/fs/_actions/check_params', { uri: '/srv' });
    const task = await vi.waitFor(async () => {
      const { items } = await api.client.list(deployTasks, api.namespace);
      return (
        items.find(({ spec, status }) => spec.type === 'sync-action' && status?.state === undefined) ??
        Promise.reject(new Error('not yet'))
      );
    });
    await api.run(task.metadata.name, second);
    await api.finish(task.metadata.name, 'Failed', { error: 'as the test wants it' });
    await action;
    expect(await find(`object=tasks/${task.metadata.name}`)).toMatchObject([
      { action: 'runDriverAction', path: '/api/drivers/sources/fs/_actions/check_params', uid: task.metadata.uid },
    ]);
  });

  it('has who was refused, and for what', async () => {
    await api.call('DELETE', '/api/v1/tasks/t', undefined, { authorization: `Bearer ${stranger}` });
    await api.call('GET', '/api/v1/agents', undefined, { authorization: 'Bearer made-up' });
    expect(await find('code=Forbidden&limit=1')).toMatchObject([
      {
        ...{ action: 'deleteTask', object: 'tasks/t', status: 403 },
        user: `system:serviceaccount:${api.namespace}:stranger`,
      },
    ]);
    await expect
      .poll(() => find('code=Unauthorized&limit=1'))
      .toMatchObject([{ action: 'listAgents', user: 'system:anonymous', status: 401 }]);
  });

  it('has every credential that an agent read or tried to read, but never its text', async () => {
    const { id } = await create({
      type: 'api',
      command: 'GET',
      params: { url: 'http://h/', headers: { Cookie: 'hunter2' } },
    });
    const { metadata, spec } = await api.run(id, 'local');
    const ref = spec.params?.headers_secret_ref ?? '';
    const read = (user: string): ReturnType<ApiUnderTest['call']> =>
      api.call('GET', `/internal/tasks/${metadata.uid}/secret?ref=${ref}&epoch=1`, undefined, bearer(user));
    expect((await read('agent/local')).status).toBe(200);
    expect((await read('agent/agent-1')).status).toBe(403);
    expect(await find(`object=secrets/${ref}&after=0`)).toMatchObject([
      { action: 'readCredential', user: 'tiangong:agent:local', status: 200 },
      { action: 'readCredential', user: 'tiangong:agent:agent-1', status: 403, code: 'NotAssigned' },
    ]);
    expect(JSON.stringify(await find('limit=1000'))).not.toContain('hunter2');
  });

  it('has tasks and approvals that came by kubectl, once', async () => {
    const [byHand, later] = [fresh('by-hand'), fresh('later')];
    const annotations = { 'tiangong.io/created-by': 'carol' };
    const spec = { agent: 'local', type: 'shell', command: 'x', params: { approve: 'required' } } as const;
    const task = await api.client.create(deployTasks, api.namespace, {
      metadata: { name: byHand, annotations },
      spec,
    });
    await api.patchStatus(byHand, { state: 'Pending', observedGeneration: 1 });
    await api.client.patch(deployTasks, api.namespace, byHand, {
      metadata: { annotations: { 'tiangong.io/approved-by': 'dave' } },
      spec: { approved: true },
    });
    const { uid } = task.metadata;
    await expect
      .poll(() => find(`object=tasks/${byHand}&after=0`))
      .toMatchObject([
        { action: 'seeTask', user: 'carol', source: 'kubernetes', uid },
        { action: 'seeApproval', user: 'dave', source: 'kubernetes', uid },
      ]);
    await api.client.patch(deployTasks, api.namespace, byHand, { spec: { priority: 3 } });
    const { id } = await create();
    await api.client.delete(deployTasks, api.namespace, byHand);
    await api.client.create(deployTasks, api.namespace, { metadata: { name: later }, spec: { ...spec, params: {} } });
    await expect.poll(() => find(`object=tasks/${later}`)).toMatchObject([{ action: 'seeTask', user: 'unknown' }]);
    expect(await find(`object=tasks/${byHand}`)).toHaveLength(2);
    expect((await find(`object=tasks/${id}`)).map(({ action }) => action)).toEqual(['createTask']);
  });

  it('has an approval by REST once', async () => {
    const { id } = await create({ params: { approve: 'required' } });
    await api.patchStatus(id, { state: 'Pending', observedGeneration: 1 });
    const approver = 'operator';
    await api.call('POST', `/api/v1/tasks/${id}/approve`, undefined, bearer(approver));
    const seen = await api.client.create(deployTasks, api.namespace, {
      metadata: { name: fresh('after-approval') },
      spec: { agent: 'local', type: 'shell', command: 'x' },
    });
    await expect.poll(() => find(`object=tasks/${seen.metadata.name}`)).toHaveLength(1);
    expect((await find(`object=tasks/${id}&after=0`)).map(({ action }) => action)).toEqual([
      'createTask',
      'approveTask',
    ]);
  });

  it('has who looked at it, is intact, and shows its head', async () => {
    await find('user=nobody-of-this-name');
    const { body } = await api.call<Listing>('GET', '/api/v1/audit?limit=1', undefined, bearer('admin'));
    expect(body.records).toMatchObject([
      { action: 'listAudit', user: 'tiangong:admin', status: 200, seq: body.head.seq },
    ]);
    const verified = await api.call('GET', '/api/v1/audit/verify', undefined, bearer('admin'));
    expect(verified).toMatchObject({ status: 200, body: { intact: true, anchor: { seq: 0 } } });
    expect((await find('limit=1'))[0]).toMatchObject({ action: 'verifyAudit' });
    const metrics = await fetch(`${api.url}/metrics`, { headers: bearer('admin') });
    const { seq, hash } = api.store.audit.head;
    const text = await metrics.text();
    expect(text).toContain(`tiangong_audit_head{part="seq"} ${seq}`);
    expect(text).toContain(`tiangong_audit_head{part="hash"} ${Number.parseInt(hash.slice(0, 13), 16)}`);
  });

  it('refuses queries out of bounds, and other methods', async () => {
    for (const query of ['limit=0', 'limit=1001', 'after=-1', 'before=0', 'after=x', 'user=', 'user=a&user=b'])
      expect(await call('GET', `/api/v1/audit?${query}`), query).toMatchObject({
        status: 400,
        body: { code: 'InvalidRequest' },
      });
    expect((await call('DELETE', '/api/v1/audit')).status).toBe(405);
  });

  it('is not shown to who has no right on it', async () => {
    const refused = await api.call('GET', '/api/v1/audit', undefined, { authorization: `Bearer ${stranger}` });
    expect(refused).toMatchObject({ status: 403, body: { code: 'Forbidden' } });
    expect((await api.call('GET', '/api/v1/audit')).status).toBe(401);
  });

  it('has Secrets that an agent may not have', async () => {
    const name = fresh('other');
    await api.client.create(secrets, api.namespace, { metadata: { name }, type: 'Opaque' });
    const { id } = await create();
    const uid = (await api.run(id, 'local')).metadata.uid ?? '';
    await api.call('GET', `/internal/tasks/${uid}/secret?ref=${name}&epoch=1`, undefined, bearer('agent/local'));
    expect(await find(`object=secrets/${name}`)).toMatchObject([{ status: 403, code: 'SecretNotAllowed' }]);
  });
});
