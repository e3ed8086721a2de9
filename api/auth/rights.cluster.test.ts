import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks } from '../../kube/resource.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import type { Answer } from '../../test/api/api-under-test.ts';
import { ServiceAccounts } from '../../test/api/service-accounts.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import type { TaskView } from '../tasks/task-view.ts';

const rule = (resources: string[], verbs: string[], resourceNames?: string[]) => ({
  ...{ apiGroups: ['tiangong.io'], resources, verbs },
  ...(resourceNames && { resourceNames }),
});
const NEW_TASK = { agent_id: 'local', type: 'shell', command: 'x' };

describe.skipIf(!hasCluster())('callers with tokens and Roles of a real Kubernetes', () => {
  let api: ApiUnderTest;
  let cluster: SharedCluster;
  let accounts: ServiceAccounts;
  let [viewer, editor, stranger]: string[] = [];

  const call = <T = Record<string, unknown>>(
    token: string | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> =>
    api.call<T>(method, path, body, { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) });
  /** A name that no other try has used. */
  const fresh = (word: string): string => `${word}-${ulid().toLowerCase()}`;
  const nameOf = (account: string): string => `system:serviceaccount:${cluster.namespace}:${account}`;

  beforeAll(async () => {
    cluster = await sharedCluster();
    accounts = new ServiceAccounts(cluster.client, cluster.namespace);
    api = await ApiUnderTest.start(cluster, { auth: 'kubernetes' });
    await api.addAgent('local');
    viewer = await accounts.person('viewer', [rule(['deploytasks', 'agents'], ['get', 'list'])]);
    editor = await accounts.person('editor', [
      rule(['deploytasks'], ['get', 'list', 'create', 'update', 'delete', 'approve']),
      rule(['deploytasks/log'], ['get']),
      rule(['syncsources'], ['get'], ['mine']),
    ]);
    await accounts.create('stranger');
    stranger = await accounts.token('stranger');
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('answers 401 to who shows no token, or one that is not valid', async () => {
    const nobody = await call(undefined, 'GET', '/api/v1/tasks');
    expect([nobody.status, nobody.body['code']]).toEqual([401, 'Unauthorized']);
    expect(nobody.headers.get('www-authenticate')).toBe('Bearer realm="tiangong"');
    const forged = await call('e30.e30.x', 'GET', '/api/v1/agents');
    expect([forged.status, forged.body['error']]).toEqual([401, 'the bearer token is not valid, or not any more']);
    expect(forged.headers.get('www-authenticate')).toBe('Bearer realm="tiangong", error="invalid_token"');
    const sync = await call(undefined, 'GET', '/api/configs/sources');
    expect([sync.status, sync.body]).toEqual([
      401,
      { detail: 'a valid bearer token is required', code: 'Unauthorized' },
    ]);
    expect((await call(undefined, 'GET', '/metrics')).status).toBe(401);
    expect((await call(undefined, 'PUT', '/api/v1/files')).status).toBe(401);
  });

  it('lets everybody see that it is well, and what it can do', async () => {
    for (const path of ['/healthz', '/readyz', '/openapi.json'])
      expect((await call(undefined, 'GET', path)).status).toBe(200);
    expect((await fetch(`${api.url}/docs`)).status).toBe(200);
  });

  it('answers 403 in the words of RBAC to who may not', async () => {
    const answer = await call(viewer, 'POST', '/api/v1/tasks', NEW_TASK);
    expect([answer.status, answer.body]).toEqual([
      403,
      {
        code: 'Forbidden',
        error: `User "${nameOf('viewer')}" cannot create resource "deploytasks" in API group "tiangong.io" in the namespace "${cluster.namespace}"`,
      },
    ]);
    const sync = await call(viewer, 'GET', '/api/configs/syncs');
    expect([sync.status, sync.body['code']]).toEqual([403, 'Forbidden']);
    expect(sync.body['detail']).toContain('cannot list resource "synctasks"');
    const metrics = await call(viewer, 'GET', '/api/metrics');
    expect([metrics.status, metrics.body['detail']]).toEqual([
      403,
      `User "${nameOf('viewer')}" cannot get path "/metrics"`,
    ]);
  });

  it('lets on who may, and writes down who it was', async () => {
    const { status, body } = await call<TaskView>(editor, 'POST', '/api/v1/tasks', NEW_TASK);
    expect(status).toBe(201);
    expect((await api.task(body.id)).metadata.annotations).toMatchObject({
      'tiangong.io/created-by': nameOf('editor'),
    });
    expect((await call(viewer, 'GET', `/api/v1/tasks/${body.id}`)).status).toBe(200);
    expect((await call(viewer, 'GET', `/api/v1/tasks/${body.id}/logs`)).status).toBe(403);
    expect((await call(editor, 'GET', `/api/v1/tasks/${body.id}/logs`)).status).toBe(200);
    expect((await call(viewer, 'POST', `/api/v1/tasks/${body.id}/cancel`)).status).toBe(403);
    expect((await call(viewer, 'DELETE', `/api/v1/tasks/${body.id}`)).status).toBe(403);
    expect((await call(stranger, 'GET', `/api/v1/tasks/${body.id}`)).status).toBe(403);
  });

  it('shows the whole of a large result, and what undoes a task, to who may read logs alone', async () => {
    const { body } = await call<TaskView>(editor, 'POST', '/api/v1/tasks', NEW_TASK);
    const { metadata } = await api.run(body.id, 'local');
    await api.finish(body.id, 'Succeeded', { result: { text: 'h…t', bytes: 5, truncated: true, ref: 'x' } });
    const stream = { uid: metadata.uid ?? '', epoch: 1, name: 'result' } as const;
    await api.store.streams.append(stream, 0, { bytes: Buffer.from('whole'), final: true, lines: undefined });
    const path = `/api/v1/tasks/${body.id}`;
    await expect.poll(async () => (await call<TaskView>(editor, 'GET', path)).body.result).toBe('whole');
    expect((await call<TaskView>(viewer, 'GET', path)).body).toMatchObject({ result: 'h…t', result_truncated: true });
    const rollbacker = await accounts.person(fresh('rollbacker'), [rule(['deploytasks'], ['get', 'create'])]);
    const rollback = await call(rollbacker, 'POST', `${path}/rollback`, {});
    expect([rollback.status, rollback.body['error']]).toEqual([
      403,
      expect.stringContaining('cannot get resource "deploytasks/log"'),
    ]);
  });

  it('reads rights on one object of a name', async () => {
    expect((await call(editor, 'GET', '/api/configs/sources/mine')).status).toBe(404);
    expect((await call(editor, 'GET', '/api/configs/sources/other')).status).toBe(403);
  });

  it('keeps the idempotency keys of callers apart', async () => {
    const second = await accounts.person(fresh('second'), [rule(['deploytasks'], ['create'])]);
    const key = fresh('one');
    const create = (token: string | undefined): Promise<Answer<TaskView>> =>
      call<TaskView>(token, 'POST', '/api/v1/tasks', NEW_TASK, { 'idempotency-key': key });
    const [first, again, other] = [await create(editor), await create(editor), await create(second)];
    expect(again.body.id).toBe(first.body.id);
    expect(other.body.id).not.toBe(first.body.id);
    // Another token of the same user is the same user.
    expect((await create(await accounts.token('editor'))).body.id).toBe(first.body.id);
  });

  it('lets nobody approve what is their own, by any token', async () => {
    const body = { ...NEW_TASK, type: 'mysql', command: 'DELETE FROM t', params: { approve: 'required' } };
    await api.setOnline('local', true, { taskTypes: ['shell', 'mysql'] });
    const made = await call<TaskView>(editor, 'POST', '/api/v1/tasks', body);
    expect(made.status).toBe(201);
    const path = `/api/v1/tasks/${made.body.id}/approve`;
    const own = await call(await accounts.token('editor'), 'POST', path, {});
    expect([own.status, own.body['code']]).toEqual([403, 'ApproverNotAllowed']);
    expect((await call(viewer, 'POST', path, {})).body['code']).toBe('Forbidden');
    await api.patchStatus(made.body.id, { state: 'Pending', observedGeneration: 1 });
    const name = fresh('approver');
    const approver = await accounts.person(name, [rule(['deploytasks'], ['approve'])]);
    expect((await call(approver, 'POST', path, {})).status).toBe(200);
    expect((await api.task(made.body.id)).metadata.annotations).toMatchObject({
      'tiangong.io/approved-by': nameOf(name),
    });
  });

  it('asks for the right to read a file of who has a task read it', async () => {
    const answer = await call(editor, 'POST', '/api/v1/tasks', { ...NEW_TASK, file_id: 'file-1' });
    expect([answer.status, answer.body['error']]).toEqual([
      403,
      `User "${nameOf('editor')}" cannot get resource "files" in API group "tiangong.io" in the namespace "${cluster.namespace}"`,
    ]);
  });

  it('lists tasks of the namespaces that the caller may list', async () => {
    const elsewhere = await sharedCluster();
    await elsewhere.client.create(deployTasks, elsewhere.namespace, {
      metadata: { name: 'theirs' },
      spec: { agent: 'local', type: 'shell', command: 'x' },
    });
    const theirs = `${elsewhere.namespace}:theirs`;
    const ids = async (token: string | undefined): Promise<string[]> =>
      (await call<TaskView[]>(token, 'GET', '/api/v1/tasks?limit=1000')).body.map(({ id }) => id);
    await expect.poll(() => ids(cluster.tokenFor('admin'))).toContain(theirs);
    const own = await ids(viewer);
    expect(own.length).toBeGreaterThan(0);
    expect(own.filter((id) => id.includes(':'))).toEqual([]);
    const both = await accounts.person(fresh('both'), [rule(['deploytasks'], ['list'])], elsewhere.namespace);
    expect(await ids(both)).toEqual([theirs]);
    const none = await call(stranger, 'GET', '/api/v1/tasks');
    expect([none.status, none.body['code']]).toEqual([403, 'Forbidden']);
  });

  it('answers who is refused while a large body is still on its way', async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const init = { method: 'POST', body: endless, duplex: 'half', headers: { authorization: 'Bearer guess' } };
    const response = await fetch(`${api.url}/api/v1/files`, init as RequestInit);
    expect(response.status).toBe(401);
    await response.text();
    expect(sent).toBeLessThan(200_000_000);
  });

  it('closes what nobody has decided about', async () => {
    const admin = cluster.tokenFor('admin');
    const unknown = await call(admin, 'GET', '/api/v1/nothing');
    expect([unknown.status, unknown.body['code']]).toEqual([404, 'RouteNotFound']);
    const method = await call(admin, 'PATCH', '/api/v1/agents/local');
    expect([method.status, method.headers.get('allow')]).toEqual([405, 'GET, PUT, DELETE']);
    expect((await call(admin, 'GET', '/api/v1/tasks/%ff')).status).toBe(400);
  });

  it('notices within seconds that a right has been taken away', async () => {
    const name = fresh('leaver');
    const token = await accounts.person(name, [rule(['agents'], ['list'])]);
    expect((await call(token, 'GET', '/api/v1/agents')).status).toBe(200);
    await accounts.disallow(name);
    await expect.poll(async () => (await call(token, 'GET', '/api/v1/agents')).status).toBe(403);
  });
});
