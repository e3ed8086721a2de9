import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KubeClient, NewObject, WatchEvent } from '../../kube/client.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import { agents, deployTasks, leases, secrets } from '../../kube/resource.ts';
import type { Resource, Secret } from '../../kube/resource.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { ADMIN, startTestServer, userNamed } from './testing/test-server.ts';
import type { TestServer } from './testing/test-server.ts';

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

const configMaps: Resource<ConfigMap> = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };
const namespaces: Resource<KubeObject> = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };

let test: TestServer;
const stop = new Set<AbortController>();

beforeEach(async () => (test = await startTestServer()));
afterEach(async () => {
  for (const controller of stop) controller.abort();
  stop.clear();
  await test.stop();
});

const newTask = (name: string): Parameters<typeof test.admin.create<DeployTask>>[2] => ({
  metadata: { name },
  spec: { agent: 'one', type: 'shell', command: 'echo hello' },
});

const assign = (client: KubeClient, name: string, agent: string): Promise<DeployTask> =>
  client.patch(
    deployTasks,
    'default',
    name,
    { status: { state: 'Assigned', observedGeneration: 1, assignment: { agent, instance: 'i', epoch: 1 } } },
    { subresource: 'status' },
  );

/** Collects the events of a watch until the test ends. */
function follow<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  resourceVersion: string,
  fieldSelector = '',
): { readonly seen: string[]; readonly ended: Promise<void> } {
  const controller = new AbortController();
  stop.add(controller);
  const seen: string[] = [];
  const options = { resourceVersion, timeoutSeconds: 60, signal: controller.signal, fieldSelector };
  const run = async (): Promise<void> => {
    for await (const event of client.watch(resource, undefined, options))
      if (event.type !== 'BOOKMARK') seen.push(gist(event));
  };
  return { seen, ended: run().catch(() => undefined) };
}

const gist = (event: WatchEvent<KubeObject>): string =>
  event.type === 'ERROR' ? `ERROR ${String(event.object.code)}` : `${event.type} ${event.object.metadata.name}`;

async function refusal(call: Promise<unknown>): Promise<{ code: number; message: string }> {
  try {
    await call;
  } catch (err) {
    if (err instanceof KubeError) return { code: err.code, message: err.status.message ?? '' };
    throw err;
  }
  throw new Error('the call was not refused');
}

describe('EmbeddedServer', () => {
  it('keeps objects, versions and history over a restart, so that a watch goes on where it was', async () => {
    const created = await test.admin.create(deployTasks, 'default', newTask('a'));
    await assign(test.admin, 'a', 'one');
    await test.admin.create(deployTasks, 'default', newTask('b'));
    const version = created.metadata.resourceVersion ?? '';
    const before = await test.admin.list(deployTasks, undefined);
    await test.restart();
    expect(await test.admin.list(deployTasks, undefined)).toEqual(before);
    const { seen } = follow(test.admin, deployTasks, version);
    await vi.waitFor(() => expect(seen).toEqual(['MODIFIED a', 'ADDED b']));
    await test.admin.create(deployTasks, 'default', newTask('c'));
    await vi.waitFor(() => expect(seen).toContain('ADDED c'));
  });

  it('tells an agent only of its own tasks, and of each that is moved or finished as gone', async () => {
    for (const name of ['a', 'b']) await test.admin.create(deployTasks, 'default', newTask(name));
    const selector = 'status.assignment.agent=one,status.state!=Succeeded,status.state!=Unknown';
    const { seen } = follow(test.client(userNamed('agent:one')), deployTasks, '0', selector);
    await assign(test.admin, 'a', 'one');
    await assign(test.admin, 'b', 'two');
    const status = (state: string): Promise<unknown> =>
      test.admin.patch(deployTasks, 'default', 'a', { status: { state } }, { subresource: 'status' });
    await status('Running');
    await status('Succeeded');
    await vi.waitFor(() => expect(seen).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']));
  });

  it('pages through one snapshot while objects come, change and go', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `map-${String(index).padStart(3, '0')}`);
    await Promise.all(names.map((name) => test.admin.create(configMaps, 'default', { metadata: { name } })));
    let token = '';
    const seen: string[] = [];
    let page = 0;
    do {
      const list = await test.admin.list(configMaps, 'default', { limit: 7, ...(token !== '' && { continue: token }) });
      seen.push(...list.items.map(({ metadata }) => metadata.name));
      token = list.metadata.continue ?? '';
      await test.admin.create(configMaps, 'default', { metadata: { name: `map-000-new-${page}` } });
      await test.admin.create(configMaps, 'default', { metadata: { name: `zzz-${page}` } });
      await test.admin.delete(configMaps, 'default', names[59 - page] ?? '');
      page += 1;
    } while (token !== '');
    expect(seen).toEqual(names);
  });

  it('says 410 to a page whose snapshot is forgotten, and how to go on without it', async () => {
    await test.stop();
    test = await startTestServer({ storage: { historyRevisions: 10 } });
    for (const name of ['a', 'b', 'c']) await test.admin.create(configMaps, 'default', { metadata: { name } });
    const first = await test.admin.list(configMaps, 'default', { limit: 1 });
    for (let index = 0; index < 700; index += 1)
      await test.admin.patch(configMaps, 'default', 'a', { data: { index: String(index) } });
    let token = '';
    const call = test.admin.list(configMaps, 'default', { limit: 1, continue: first.metadata.continue ?? '' });
    await call.catch((err: unknown) => {
      expect(err).toMatchObject({ code: 410, reason: 'Expired' });
      token = ((err as KubeError).status as { metadata?: { continue?: string } }).metadata?.continue ?? '';
    });
    const next = await test.admin.list(configMaps, 'default', { limit: 1, continue: token });
    expect(next.items.map(({ metadata }) => metadata.name)).toEqual(['b']);
    const { seen } = follow(test.admin, configMaps, first.metadata.resourceVersion);
    await vi.waitFor(() => expect(seen).toEqual(['ERROR 410']));
  });

  it('lets one of many writers through that decide on the same version', async () => {
    const { metadata } = await test.admin.create(configMaps, 'default', { metadata: { name: 'a' } });
    const patch = { metadata: { resourceVersion: metadata.resourceVersion }, data: { by: 'me' } };
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        test.admin.patch(configMaps, 'default', 'a', { ...patch, data: { by: String(index) } }),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 409, reason: 'Conflict' });
  });

  it('collects dependents of an owner that is gone, also when it went before a restart', async () => {
    const owner = await test.admin.create(configMaps, 'default', { metadata: { name: 'owner' } });
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid ?? '' }];
    for (const name of ['child', 'other'])
      await test.admin.create(secrets, 'default', { metadata: { name, ownerReferences } });
    await test.admin.delete(configMaps, 'default', 'owner');
    await test.restart();
    await vi.waitFor(async () => expect((await test.admin.list(secrets, 'default')).items).toEqual([]));
    await test.admin.create(secrets, 'default', { metadata: { name: 'late', ownerReferences } });
    await vi.waitFor(async () => expect((await test.admin.list(secrets, 'default')).items).toEqual([]));
  });

  it('goes on emptying a namespace after a restart', async () => {
    await test.admin.create(namespaces, undefined, { metadata: { name: 'gone' } });
    await test.admin.create(configMaps, 'gone', { metadata: { name: 'held', finalizers: ['example.com/hold'] } });
    await test.admin.delete(namespaces, undefined, 'gone');
    await test.restart();
    expect(await refusal(test.admin.create(configMaps, 'gone', { metadata: { name: 'new' } }))).toEqual({
      code: 403,
      message:
        'configmaps "new" is forbidden: unable to create new content in namespace gone because it is being terminated',
    });
    await vi.waitFor(async () =>
      expect((await test.admin.get(configMaps, 'gone', 'held')).metadata.deletionTimestamp).toBeDefined(),
    );
    await test.admin.patch(configMaps, 'gone', 'held', { metadata: { finalizers: null } });
    await vi.waitFor(async () =>
      expect(await refusal(test.admin.get(namespaces, undefined, 'gone'))).toMatchObject({ code: 404 }),
    );
  });

  it('removes Events an hour after their last write', async () => {
    let now = new Date('2026-01-01T00:00:00Z');
    await test.stop();
    test = await startTestServer({ now: () => now });
    const events: Resource<KubeObject> = { group: '', version: 'v1', plural: 'events', kind: 'Event' };
    const event = {
      metadata: { name: 'it-happened' },
      involvedObject: { kind: 'Agent', namespace: 'default', name: 'one' },
      reason: 'Testing',
      type: 'Normal',
    };
    await test.admin.create(events, 'default', event);
    now = new Date('2026-01-01T00:59:00Z');
    await test.server.sweep();
    expect((await test.admin.list(events, 'default')).items).toHaveLength(1);
    now = new Date('2026-01-01T01:00:01Z');
    await test.server.sweep();
    expect((await test.admin.list(events, 'default')).items).toEqual([]);
  });

  it('serves the kinds of a CRD from the moment that it is there until it is gone', async () => {
    const crds: Resource<KubeObject> = {
      group: 'apiextensions.k8s.io',
      version: 'v1',
      plural: 'customresourcedefinitions',
      kind: 'CustomResourceDefinition',
    };
    const widgets: Resource<KubeObject> = { group: 'test.io', version: 'v1', plural: 'widgets', kind: 'Widget' };
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object' } } } };
    const spec = {
      group: 'test.io',
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    };
    expect((await refusal(test.admin.list(widgets, 'default'))).code).toBe(404);
    await test.admin.create(crds, undefined, { metadata: { name: 'widgets.test.io' }, spec } as never);
    await test.admin.create(widgets, 'default', { metadata: { name: 'one' } });
    await test.restart();
    expect((await test.admin.list(widgets, 'default')).items).toHaveLength(1);
    await test.admin.delete(crds, undefined, 'widgets.test.io');
    await vi.waitFor(async () => expect((await refusal(test.admin.list(widgets, 'default'))).code).toBe(404));
    // A CRD that comes back must not bring the objects of the old one back.
    await test.admin.create(crds, undefined, { metadata: { name: 'widgets.test.io' }, spec } as never);
    expect((await test.admin.list(widgets, 'default')).items).toEqual([]);
  });

  it('refuses writes with 507 while the disk is full, and goes on once there is room', async () => {
    await test.stop();
    test = await startTestServer();
    await test.admin.create(configMaps, 'default', { metadata: { name: 'a' }, data: { value: 'before' } });
    test.server.limitStoragePages(150);
    const big = 'x'.repeat(100_000);
    let refused: { code: number; message: string } | undefined;
    for (let index = 0; refused === undefined; index += 1)
      await test.admin
        .create(configMaps, 'default', { metadata: { name: `big-${index}` }, data: { big } })
        .catch((err: unknown) => (refused = { code: (err as KubeError).code, message: (err as KubeError).message }));
    expect(refused.code).toBe(507);
    expect(refused.message).toMatch(/disk .* is full/);
    expect((await test.admin.get(configMaps, 'default', 'a')).data).toEqual({ value: 'before' });
    test.server.limitStoragePages(1_000_000);
    await test.admin.patch(configMaps, 'default', 'a', { data: { value: 'after' } });
    expect((await test.admin.get(configMaps, 'default', 'a')).data).toEqual({ value: 'after' });
  });

  it('counts requests by verb and resource under the names of the real server', async () => {
    await test.admin.create(deployTasks, 'default', newTask('a'));
    await assign(test.admin, 'a', 'one');
    const lines = test.server.metrics();
    expect(lines).toContain(
      'apiserver_request_total{code="201",resource="deploytasks",subresource="",verb="CREATE"} 1\n',
    );
    expect(lines).toContain(
      'apiserver_request_total{code="200",resource="deploytasks",subresource="status",verb="PATCH"} 1\n',
    );
  });
});

describe('The roles', () => {
  it('let an agent write only the status of tasks that are assigned to it', async () => {
    for (const name of ['mine', 'other']) await test.admin.create(deployTasks, 'default', newTask(name));
    await assign(test.admin, 'mine', 'one');
    await assign(test.admin, 'other', 'two');
    const agent = test.client(userNamed('agent:one'));
    const start = (name: string): Promise<DeployTask> =>
      agent.patch(deployTasks, 'default', name, { status: { state: 'Running' } }, { subresource: 'status' });
    expect((await start('mine')).status?.state).toBe('Running');
    expect(await refusal(start('other'))).toEqual({
      code: 403,
      message:
        'deploytasks.tiangong.io "other" is forbidden: User "tiangong:agent:one" cannot patch resource "deploytasks/status" in API group "tiangong.io" in the namespace "default"',
    });
    expect((await refusal(agent.patch(deployTasks, 'default', 'mine', { spec: { cancel: true } }))).code).toBe(403);
    expect((await refusal(agent.create(deployTasks, 'default', newTask('new')))).code).toBe(403);
    expect((await refusal(agent.list(secrets, 'default'))).code).toBe(403);
  });

  it('let an agent have its own Agent and Lease, and no other', async () => {
    const agent = test.client(userNamed('agent:one'));
    const checkOwn = async <T extends KubeObject>(resource: Resource<T>): Promise<void> => {
      const named = (metadata: { name: string } | { generateName: string }): NewObject<T> =>
        ({ metadata }) as NewObject<T>;
      await agent.create(resource, 'default', named({ name: 'one' }));
      await agent.get(resource, 'default', 'one');
      await agent.list(resource, 'default', { fieldSelector: 'metadata.name=one' });
      expect((await refusal(agent.create(resource, 'default', named({ name: 'two' })))).code).toBe(403);
      expect((await refusal(agent.create(resource, 'default', named({ generateName: 'one' })))).code).toBe(403);
      expect((await refusal(agent.get(resource, 'default', 'two'))).code).toBe(403);
      expect((await refusal(agent.list(resource, 'default'))).code).toBe(403);
    };
    await checkOwn(agents);
    await checkOwn(leases);
  });

  it.each([
    ['api', 'deploytasks', 'create', true],
    ['api', 'deploytasks/status', 'patch', false],
    ['api', 'secrets', 'delete', true],
    ['api', 'leases', 'update', false],
    ['operator', 'deploytasks/status', 'patch', true],
    ['operator', 'deploytasks', 'create', false],
    ['operator', 'leases', 'create', true],
    ['operator', 'secrets', 'get', false],
    ['operator', 'synctasks/status', 'patch', true],
    ['operator', 'synctasks', 'create', false],
    ['operator', 'syncsources', 'patch', true],
    ['operator', 'syncsources', 'delete', false],
    ['api', 'synctasks', 'create', true],
    ['api', 'synctasks/status', 'patch', false],
    ['tasks', 'synctasks/status', 'patch', false],
    ['agent:one', 'syncpushers', 'watch', true],
    ['agent:one', 'syncpushers', 'patch', false],
    ['agent:one', 'synctasks', 'delete', false],
    ['tasks', 'deploytasks', 'create', true],
    ['tasks', 'deploytasks/status', 'patch', false],
    ['tasks', 'agents/status', 'update', false],
    ['tasks', 'leases', 'update', false],
    ['tasks', 'secrets', 'create', true],
    ['agent:one', 'deploytasks', 'watch', true],
    ['agent:one', 'namespaces', 'delete', false],
    ['nobody', 'deploytasks', 'get', false],
  ])('answer whether %s may, to a SelfSubjectAccessReview: %s %s', async (role, what, verb, allowed) => {
    const [resource, subresource = ''] = what.split('/');
    const group = { secrets: '', namespaces: '', leases: 'coordination.k8s.io' }[resource ?? ''] ?? 'tiangong.io';
    const review = await test.client(userNamed(role)).raw<{ status: { allowed: boolean } }>({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: JSON.stringify({
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { group, resource, subresource, verb, namespace: 'default' } },
      }),
    });
    expect(review.status.allowed).toBe(allowed);
  });

  it("let tasks have every Secret but others' credentials, and every CRD but the product's", async () => {
    const tasks = test.client(userNamed('tasks'));
    const of = (name: string, type: string): NewObject<Secret> => ({
      metadata: { name },
      type,
      stringData: { a: 'b' },
    });
    await test.admin.create(secrets, 'default', of('entrusted', 'tiangong.io/credential'));
    await tasks.create(secrets, 'default', of('plain', 'Opaque'));
    expect((await tasks.list(secrets, 'default')).items.map(({ metadata }) => metadata.name)).toEqual(['plain']);
    const selected = { fieldSelector: 'type=tiangong.io/credential' };
    expect((await tasks.list(secrets, 'default', selected)).items).toEqual([]);
    const named = { fieldSelector: 'metadata.name=entrusted' };
    expect((await tasks.list(secrets, 'default', named)).items).toEqual([]);
    await tasks.patch(secrets, 'default', 'plain', { data: { a: null } });
    expect((await refusal(tasks.get(secrets, 'default', 'entrusted'))).code).toBe(403);
    const open = { metadata: { annotations: { 'tiangong.io/allowed-hosts': null } } };
    expect((await refusal(tasks.patch(secrets, 'default', 'entrusted', open))).code).toBe(403);
    expect((await refusal(tasks.delete(secrets, 'default', 'entrusted'))).code).toBe(403);
    await tasks.raw({ method: 'DELETE', path: '/api/v1/namespaces/default/secrets' });
    expect((await test.admin.list(secrets, 'default')).items.map(({ metadata }) => metadata.name)).toEqual([
      'entrusted',
    ]);
    const crds: Resource<KubeObject> = {
      group: 'apiextensions.k8s.io',
      version: 'v1',
      plural: 'customresourcedefinitions',
      kind: 'CustomResourceDefinition',
    };
    expect((await refusal(tasks.delete(crds, undefined, 'deploytasks.tiangong.io'))).code).toBe(403);
    const all = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    expect((await refusal(tasks.raw({ method: 'DELETE', path: all }))).code).toBe(403);
    await tasks.list(crds, undefined);
  });

  it('let the api ask whose token it was shown', async () => {
    await test.stop();
    test = await startTestServer({ tokens: new Map([['secret-token', userNamed('agent:one')]]) });
    const review = (token: string): Promise<{ status: unknown }> =>
      test.client(userNamed('api')).raw({
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/tokenreviews',
        body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }),
      });
    expect((await review('secret-token')).status).toMatchObject({
      authenticated: true,
      user: { username: 'tiangong:agent:one', groups: ['system:authenticated'] },
    });
    expect((await review('guess')).status).toEqual({ user: {}, error: 'invalid bearer token' });
    expect((await refusal(test.client(userNamed('agent:one')).list(secrets, 'default'))).code).toBe(403);
  });

  it('let administrators do everything', async () => {
    await test.client(ADMIN).create(secrets, 'default', { metadata: { name: 'a' } });
    await test.client(ADMIN).delete(secrets, 'default', 'a');
  });
});
