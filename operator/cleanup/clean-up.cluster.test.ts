import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KubeClient } from '../../kube/client.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import { agentPools, deployTasks, leases, syncPushers, syncSources, syncTasks } from '../../kube/resource.ts';
import type { Resource } from '../../kube/resource.ts';
import { connectAsServiceAccount, grant } from '../../test/kubernetes/service-account.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import { daemonSets } from '../agentpool/kinds.ts';
import { cleanUp } from './clean-up.ts';
import type { CleanUpSettings } from './clean-up.ts';
import { HELD_EVERYWHERE } from './held-kinds.ts';
import { releaseHeld } from './release-held.ts';

const OTHERS = 'example.com/keep';
const NEVER = new AbortController().signal;

describe.skipIf(!hasCluster())('cleaning up before a release is uninstalled', () => {
  let cluster: SharedCluster;
  let client: KubeClient;
  let home: string;
  let watched: string;
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });

  beforeEach(async () => {
    cluster = await sharedCluster();
    ({ client, namespace: home } = cluster);
    watched = (await sharedCluster()).namespace;
    lines.length = 0;
  });
  afterEach(() => vi.restoreAllMocks());

  const settings = (more: Partial<CleanUpSettings> = {}): CleanUpSettings => ({
    ...{ homeNamespace: home, namespaces: [watched], operatorDeployment: undefined, timeoutMs: 30_000 },
    ...more,
  });

  const task = (name: string, finalizers: string[] = ['tiangong.io/cleanup']): Promise<KubeObject> =>
    client.create(deployTasks, watched, {
      metadata: { name, finalizers },
      spec: { type: 'shell', command: 'true', agent: 'a' },
    });

  const finalizersOf = async (resource: Resource<KubeObject>, namespace: string, name: string): Promise<unknown> =>
    (await client.get(resource, namespace, name)).metadata.finalizers ?? [];

  it('takes our finalizers off objects of every kind in all watched namespaces, and leaves those of others', async () => {
    await task('ours');
    await task('shared', ['tiangong.io/cleanup', OTHERS]);
    const config = { driver: 'mock', uri: 'mock://host' };
    for (const [resource, spec, finalizer] of [
      [syncTasks, { source: 's', pusher: 'p' }, 'tiangong.io/cleanup'],
      [syncSources, config, 'tiangong.io/dependents'],
      [syncPushers, { driver: 'mock', endpoint: 'mock://host' }, 'tiangong.io/dependents'],
    ] as unknown as [Resource<KubeObject>, object, string][])
      await client.create(resource, home, { metadata: { name: 'held', finalizers: [finalizer] }, spec } as never);
    expect(await cleanUp(client, settings(), logger)).toEqual([]);
    expect(await finalizersOf(deployTasks, watched, 'ours')).toEqual([]);
    expect(await finalizersOf(deployTasks, watched, 'shared')).toEqual([OTHERS]);
    for (const resource of [syncTasks, syncSources, syncPushers] as Resource<KubeObject>[])
      expect(await finalizersOf(resource, home, 'held'), resource.plural).toEqual([]);
  });

  it('goes on with pages, and with objects that changed meanwhile', async () => {
    await Promise.all(Array.from({ length: 25 }, (_, index) => task(`task-${index}`)));
    const patch = client.patch.bind(client);
    let conflicts = 0;
    vi.spyOn(client, 'patch').mockImplementation(async (resource, namespace, name, body, options) => {
      if (conflicts < 5 && conflicts++ >= 0)
        await patch(resource, namespace, name, { metadata: { labels: { changed: String(conflicts) } } });
      return patch(resource, namespace, name, body, options);
    });
    const [kind] = HELD_EVERYWHERE;
    const report = await releaseHeld(client, kind!, watched, NEVER, { pageSize: 7 });
    expect(report).toMatchObject({ released: 25, failure: undefined });
    expect(conflicts).toBe(5);
  });

  it('gives up on what changes at every try, and says so', async () => {
    await task('busy');
    const busy = Object.assign(new Error('changed'), {});
    vi.spyOn(client, 'patch').mockImplementation(() =>
      client
        .replace(deployTasks, watched, {
          metadata: { name: 'busy', namespace: watched, resourceVersion: '1' },
        } as never)
        .catch((err: unknown) => {
          expect(isConflict(err)).toBe(true);
          throw err;
        })
        .then(() => Promise.reject(busy)),
    );
    const [kind] = HELD_EVERYWHERE;
    const { failure } = await releaseHeld(client, kind!, watched, NEVER, { passes: 3 });
    expect(String(failure)).toMatch(/changed at each of 3 tries/);
  });

  it('deletes the pools and waits for those that are held, but not for ever', async () => {
    for (const [name, finalizers] of [
      ['plain', []],
      ['held', ['tiangong.io/agentpool']],
    ] as const)
      await client.create(agentPools, home, {
        metadata: { name, finalizers: [...finalizers] },
        spec: { workload: 'Deployment' },
      });
    const cleaning = cleanUp(client, settings({ timeoutMs: 10_000 }), logger);
    await expect
      .poll(async () => (await client.get(agentPools, home, 'held')).metadata.deletionTimestamp)
      .toBeDefined();
    expect(await cleaning).toEqual([]);
    expect(lines.join('')).toContain('these pools were not gone in time: held');
    for (const name of ['plain', 'held'])
      await expect(client.get(agentPools, home, name)).rejects.toSatisfy(isNotFound);
  });

  it('ends agents with access to their nodes when the operator does not, and no workload of others', async () => {
    const labels = { 'tiangong.io/agent-pool': 'nodes', 'app.kubernetes.io/managed-by': 'tiangong-operator' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'agent', image: 'none' }] } };
    for (const [name, own] of [
      ['nodes', labels],
      ['others', {}],
    ] as const) {
      const spec = { selector: { matchLabels: labels }, template };
      await client.create(daemonSets, watched, { metadata: { name, labels: own }, spec });
      await client.create(agentPools, home, {
        metadata: { name, finalizers: ['tiangong.io/agentpool'] },
        spec: { workload: 'DaemonSet', hostAccess: true },
      });
    }
    expect(await cleanUp(client, settings({ hostNamespace: watched, timeoutMs: 10_000 }), logger)).toEqual([]);
    await expect(client.get(daemonSets, watched, 'nodes')).rejects.toSatisfy(isNotFound);
    await expect(client.get(daemonSets, watched, 'others')).resolves.toBeDefined();
    for (const name of ['nodes', 'others'])
      await expect(client.get(agentPools, home, name)).rejects.toSatisfy(isNotFound);
  });

  it('scales the operator to nothing and waits until it has given its Lease back', async () => {
    const labels = { app: 'operator' };
    await client.raw({
      method: 'POST',
      path: `/apis/apps/v1/namespaces/${home}/deployments`,
      body: JSON.stringify({
        metadata: { name: 'release-operator' },
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'operator', image: 'none' }] } },
        },
      }),
    });
    const name = 'tiangong-operator.leader';
    await client.create(leases, home, { metadata: { name }, spec: { holderIdentity: 'a-leader' } });
    await task('late');
    const cleaning = cleanUp(client, settings({ operatorDeployment: 'release-operator' }), logger);
    await expect.poll(() => lines.join('')).toContain('the operator was told to end');
    expect(await finalizersOf(deployTasks, watched, 'late')).toEqual(['tiangong.io/cleanup']);
    await client.patch(leases, home, name, { spec: { holderIdentity: '' } });
    expect(await cleaning).toEqual([]);
    expect(await finalizersOf(deployTasks, watched, 'late')).toEqual([]);
    const path = `/apis/apps/v1/namespaces/${home}/deployments/release-operator`;
    expect(await client.raw({ method: 'GET', path })).toMatchObject({ spec: { replicas: 0 } });
  });

  it('does what it may, and says where it may not', async () => {
    await task('unreachable');
    await client.create(deployTasks, home, {
      metadata: { name: 'reachable', finalizers: ['tiangong.io/cleanup'] },
      spec: { type: 'shell', command: 'true', agent: 'a' },
    });
    const account = { namespace: home, name: 'cleanup' };
    const transport = await connectAsServiceAccount(client, cluster.url, account);
    await grant(client, home, account, [{ apiGroups: ['tiangong.io'], resources: ['*'], verbs: ['list', 'patch'] }]);
    const left = await cleanUp(new KubeClient(transport), settings(), logger);
    await transport.close();
    expect(left.map(({ plural, namespace }) => `${namespace}/${plural}`)).toEqual(
      HELD_EVERYWHERE.map(({ resource }) => `${watched}/${resource.plural}`),
    );
    expect(lines.join('')).toContain(`no right to take finalizers off deploytasks in namespace ${watched}`);
    expect(await finalizersOf(deployTasks, home, 'reachable')).toEqual([]);
  });

  it('ends in time, whatever the server does', async () => {
    vi.spyOn(client, 'list').mockImplementation((_resource, _namespace, options) => {
      const { signal } = options ?? {};
      return new Promise((_resolve, reject) => {
        if (signal?.aborted === true) reject(new Error('aborted'));
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
      });
    });
    const left = await cleanUp(client, settings({ timeoutMs: 300 }), logger);
    expect(left).toHaveLength(9);
  });
});
