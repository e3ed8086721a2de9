import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isNotFound } from '../../kube/kube-error.ts';
import { agentPools, agents, deployTasks, leases } from '../../kube/resource.ts';
import type { Agent } from '../../kube/types/agent.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import { Operator } from '../operator.ts';
import { defaultSettings } from '../settings.ts';
import { pods } from './kinds.ts';
import { SETTINGS } from './pool-fixture.ts';
import { POOL_LABEL } from './pool-labels.ts';

/** An agent without a pod is left alone for ten seconds. */
const WITHIN = { timeout: 40_000, interval: 100 };

describe.skipIf(!hasCluster())('agents of pools on a real kube-apiserver', () => {
  let cluster: SharedCluster;
  let ns: string;
  let stop: AbortController;
  let ended: Promise<void>;

  beforeEach(async () => {
    stop = new AbortController();
    cluster = await sharedCluster();
    ns = cluster.namespace;
    const operator = new Operator({
      client: cluster.clientFor('operator'),
      logger: pino({ level: process.env['LOG_LEVEL'] ?? 'silent' }),
      settings: {
        ...{ ...defaultSettings, homeNamespace: ns, instance: 'test', livenessCheckMs: 100 },
        pools: { ...SETTINGS, hostNamespace: undefined },
      },
    });
    ended = operator.run(stop.signal);
    await vi.waitUntil(() => operator.ready, WITHIN);
  });

  afterEach(async () => {
    stop.abort();
    await ended;
  });

  const makePod = (name: string, pool: string, nodeName?: string): Promise<unknown> =>
    cluster.client.create(pods, ns, {
      metadata: { name, labels: { [POOL_LABEL]: pool } },
      spec: { containers: [{ name: 'agent', image: 'localhost/x:1' }], ...(nodeName && { nodeName }) },
    } as never);

  const removePod = (name: string): Promise<unknown> =>
    cluster.client.raw({
      method: 'DELETE',
      path: `/api/v1/namespaces/${ns}/pods/${name}`,
      body: JSON.stringify({ gracePeriodSeconds: 0 }),
    });

  /** What an agent in a pod does of itself. */
  async function register(name: string, pool: string, holder = 'i1'): Promise<void> {
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    const spec = { holderIdentity: holder, leaseDurationSeconds: 3600, renewTime };
    await cluster.client.create(leases, ns, { metadata: { name }, spec });
    await cluster.client.create(agents, ns, { metadata: { name, labels: { [POOL_LABEL]: pool } }, spec: {} });
    const status = { taskTypes: ['shell'], instance: holder };
    await cluster.client.patch(agents, ns, name, { status }, { subresource: 'status' });
  }

  const release = (name: string): Promise<unknown> =>
    cluster.client.patch(leases, ns, name, { spec: { holderIdentity: '', leaseDurationSeconds: 1 } });

  const specOf = async (name: string): Promise<Agent['spec']> => (await cluster.client.get(agents, ns, name)).spec;

  const isGone = (name: string): Promise<boolean> =>
    Promise.all([
      cluster.client.get(agents, ns, name).then(() => false, isNotFound),
      cluster.client.get(leases, ns, name).then(() => false, isNotFound),
    ]).then((gone) => gone.every(Boolean));

  it('have what their pool says, also after a person or the pool changed that', async () => {
    const spec = { workload: 'Deployment' as const, replicas: 0, maxConcurrent: 3, namespaces: ['shop'], tags: ['a'] };
    await cluster.client.create(agentPools, ns, { metadata: { name: 'spec' }, spec });
    await makePod('spec-1', 'spec');
    await register('spec-1', 'spec');
    await expect
      .poll(() => specOf('spec-1'), WITHIN)
      .toMatchObject({ maxConcurrent: 3, namespaces: ['shop'], tags: ['a'] });
    await cluster.client.patch(agents, ns, 'spec-1', { spec: { maxConcurrent: 50, unschedulable: true } });
    await expect.poll(() => specOf('spec-1'), WITHIN).toMatchObject({ maxConcurrent: 3, unschedulable: true });
    await cluster.client.patch(agentPools, ns, 'spec', { spec: { namespaces: ['*'] } });
    await expect.poll(() => specOf('spec-1'), WITHIN).toMatchObject({ namespaces: ['*'] });
  });

  it('are given nothing when there is no pod of their name', async () => {
    const spec = { workload: 'Deployment' as const, replicas: 0, namespaces: ['*'] };
    await cluster.client.create(agentPools, ns, { metadata: { name: 'forged' }, spec });
    await register('forger', 'forged');
    await makePod('forged-1', 'forged');
    await register('forged-1', 'forged');
    await expect.poll(() => specOf('forged-1'), WITHIN).toMatchObject({ namespaces: ['*'] });
    expect(await specOf('forger')).not.toHaveProperty('namespaces');
  });

  it('are of the pool of their pod, whatever they say themselves', async () => {
    const common = { workload: 'Deployment' as const, replicas: 0 };
    for (const [name, namespaces] of Object.entries({ low: ['shop'], high: ['*'] }))
      await cluster.client.create(agentPools, ns, { metadata: { name }, spec: { ...common, namespaces } });
    await makePod('low-1', 'low');
    await register('low-1', 'high');
    await expect.poll(() => specOf('low-1'), WITHIN).toMatchObject({ namespaces: ['shop'] });
    // Without a label it is none the freer of its pool.
    await cluster.client.patch(agents, ns, 'low-1', { metadata: { labels: null } });
    await cluster.client.patch(agentPools, ns, 'low', { spec: { namespaces: [] } });
    await expect.poll(() => specOf('low-1'), WITHIN).toMatchObject({ namespaces: [] });
  });

  it('are deleted with their Leases when they have stopped and their pod is gone', async () => {
    await makePod('gone-1', 'gone');
    await makePod('stays-1', 'gone');
    await register('gone-1', 'gone');
    await register('stays-1', 'gone');
    await release('stays-1');
    await removePod('gone-1');
    await release('gone-1');
    await expect.poll(() => isGone('gone-1'), WITHIN).toBe(true);
    // Its pod is there: it may be on its way to come up again.
    expect(await isGone('stays-1')).toBe(false);
  });

  it('are deleted only after their tasks are resolved', async () => {
    await makePod('busy-1', 'busy');
    await register('busy-1', 'busy');
    const spec = { type: 'shell' as const, command: 'true', agent: 'busy-1' };
    await cluster.client.create(deployTasks, ns, { metadata: { name: 'left-running' }, spec });
    const task = (): Promise<string | undefined> =>
      cluster.client.get(deployTasks, ns, 'left-running').then(({ status }) => status?.state);
    await expect.poll(task, WITHIN).toBe('Assigned');
    const status = { state: 'Running', startTime: new Date().toISOString() };
    await cluster.client.patch(deployTasks, ns, 'left-running', { status }, { subresource: 'status' });
    await removePod('busy-1');
    await release('busy-1');
    await expect.poll(() => isGone('busy-1'), WITHIN).toBe(true);
    expect(await task()).toBe('Unknown');
  });

  it('are known by their node where they are of a DaemonSet, also while its pods change', async () => {
    await cluster.client.create(agentPools, ns, { metadata: { name: 'each' }, spec: { workload: 'DaemonSet' } });
    await makePod('each-x1', 'each', 'node-1');
    await register('each-node-1', 'each');
    await removePod('each-x1');
    await release('each-node-1');
    // Long enough for one of a Deployment to be deleted: that is seen on another one.
    await register('trace-1', 'trace');
    await release('trace-1');
    await expect.poll(() => isGone('trace-1'), WITHIN).toBe(true);
    expect(await isGone('each-node-1')).toBe(false);
  });
});
