import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { events } from '../../kube/event.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import { agentPools } from '../../kube/resource.ts';
import type { AgentPool } from '../../kube/types/agentpool.ts';
import { hasCluster } from '../../test/kubernetes/shared.ts';
import { configMaps, daemonSets, deployments } from './kinds.ts';
import { POOL_FINALIZER } from './pool-controller.ts';
import { POOL_LABEL } from './pool-labels.ts';
import { HOME, HOST, startPoolCluster, WITHIN } from './testing/pool-cluster.ts';
import type { PoolCluster } from './testing/pool-cluster.ts';

describe.skipIf(!hasCluster())('AgentPools of the operator on a real kube-apiserver', () => {
  let cluster: PoolCluster;

  beforeAll(async () => {
    cluster = await startPoolCluster();
  }, 120_000);

  afterAll(() => cluster?.stop());

  const count = async (pool: AgentPool, namespace?: string): Promise<number> =>
    (await cluster.podsOf(pool, namespace)).length;

  const configMapsOf = async ({ metadata }: AgentPool, namespace = HOME): Promise<string[]> => {
    const labelSelector = `${POOL_LABEL}=${metadata.name}`;
    const { items } = await cluster.client.list(configMaps, namespace, { labelSelector });
    return items.map((item) => item.metadata.name);
  };

  const patchSpec = (pool: AgentPool, spec: object): Promise<AgentPool> =>
    cluster.client.patch(agentPools, HOME, pool.metadata.name, { spec });

  it('makes a Deployment whose pods the restricted level of pod security lets in', async () => {
    const pool = await cluster.create({ workload: 'Deployment', replicas: 2, connectionSecrets: ['shop-db'] });
    await expect.poll(() => count(pool), WITHIN).toBe(2);
    const { metadata } = await cluster.workloadOf(pool);
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'AgentPool', uid: pool.metadata.uid, controller: true }]);
    await expect.poll(async () => (await cluster.get(pool)).status?.current, WITHIN).toBe(2);
    expect((await cluster.get(pool)).status).toMatchObject({
      observedGeneration: 1,
      workload: { kind: 'Deployment', namespace: HOME, name: pool.metadata.name },
      desired: 2,
      ready: 0,
    });
    expect(await cluster.conditionOf(pool, 'Ready')).toBe('False AgentsNotReady');
    await cluster.makeReady(pool);
    await expect.poll(() => cluster.conditionOf(pool, 'Ready'), WITHIN).toBe('True AgentsReady');
  });

  it('makes a DaemonSet with a pod on each node', async () => {
    const pool = await cluster.create({ workload: 'DaemonSet' });
    await expect.poll(() => count(pool), WITHIN).toBe(2);
    await cluster.makeReady(pool);
    await expect.poll(() => cluster.conditionOf(pool, 'Ready'), WITHIN).toBe('True AgentsReady');
    expect((await cluster.get(pool)).status).toMatchObject({ desired: 2, updated: 2, available: 2 });
  });

  it('makes what acts on the nodes in the host namespace, and takes it away before the pool goes', async () => {
    const pool = await cluster.create({ workload: 'DaemonSet', hostAccess: true });
    await expect.poll(() => count(pool, HOST), WITHIN).toBe(2);
    const { spec } = await cluster.workloadOf(pool, HOST);
    expect(spec?.template.spec).toMatchObject({
      hostPID: true,
      containers: [{ securityContext: { privileged: true } }],
    });
    expect((await cluster.get(pool)).metadata.finalizers).toEqual([POOL_FINALIZER]);
    await cluster.client.delete(agentPools, HOME, pool.metadata.name);
    await expect.poll(() => cluster.get(pool).then(() => false, isNotFound), WITHIN).toBe(true);
    await expect(cluster.client.get(daemonSets, HOST, pool.metadata.name)).rejects.toSatisfy(isNotFound);
    expect(await configMapsOf(pool, HOST)).toEqual([]);
  });

  it('replaces the pods of a pool whose settings change, and then forgets the old settings', async () => {
    const pool = await cluster.create({ workload: 'Deployment' });
    await cluster.makeReady(pool);
    await expect.poll(() => cluster.conditionOf(pool, 'Ready'), WITHIN).toBe('True AgentsReady');
    const [before] = await configMapsOf(pool);
    await patchSpec(pool, { env: 'prod' });
    // The old pod stays until the new one is ready, and the old settings for as long.
    await expect.poll(() => count(pool), WITHIN).toBe(2);
    expect(await cluster.conditionOf(pool, 'Reconciling')).toContain('True');
    expect(await configMapsOf(pool)).toHaveLength(2);
    await cluster.makeReady(pool);
    await expect.poll(() => count(pool), WITHIN).toBe(1);
    await expect.poll(() => configMapsOf(pool), WITHIN).toHaveLength(1);
    expect(await configMapsOf(pool)).not.toContain(before);
    await expect.poll(() => cluster.conditionOf(pool, 'Ready'), WITHIN).toBe('True AgentsReady');
  });

  it('takes away from pods what the pool no longer says', async () => {
    const pool = await cluster.create({ workload: 'Deployment', nodeSelector: { disk: 'ssd' }, replicas: 0 });
    const selectorOf = async (): Promise<unknown> =>
      (await cluster.workloadOf(pool)).spec?.template.spec?.nodeSelector ?? 'none';
    expect(await selectorOf()).toEqual({ disk: 'ssd' });
    await patchSpec(pool, { nodeSelector: null });
    await expect.poll(selectorOf, WITHIN).toBe('none');
  });

  it('puts a workload back that somebody changed or deleted', async () => {
    const pool = await cluster.create({ workload: 'Deployment', replicas: 1 });
    const { uid } = (await cluster.workloadOf(pool)).metadata;
    const { name } = pool.metadata;
    const replicas = async (): Promise<unknown> => (await cluster.workloadOf(pool)).spec?.['replicas' as never];
    await cluster.client.patch(deployments, HOME, name, { spec: { replicas: 4 } });
    await expect.poll(replicas, WITHIN).toBe(1);
    await cluster.client.delete(deployments, HOME, name);
    await expect.poll(async () => (await cluster.workloadOf(pool)).metadata.uid, WITHIN).not.toBe(uid);
  });

  it('writes nothing while nothing changes', async () => {
    const pool = await cluster.create({ workload: 'Deployment', replicas: 1 });
    await cluster.makeReady(pool);
    await expect.poll(() => cluster.conditionOf(pool, 'Ready'), WITHIN).toBe('True AgentsReady');
    const versions = async (): Promise<unknown[]> => [
      (await cluster.get(pool)).metadata.resourceVersion,
      (await cluster.workloadOf(pool)).metadata.generation,
    ];
    const before = await versions();
    // A later pool has been seen through since then.
    const later = await cluster.create({ workload: 'Deployment', replicas: 1 });
    await cluster.makeReady(later);
    await expect.poll(() => cluster.conditionOf(later, 'Ready'), WITHIN).toBe('True AgentsReady');
    expect(await versions()).toEqual(before);
  });

  it('lets a workload alone that is not its own, and says so', async () => {
    const name = `taken-${randomBytes(4).toString('hex')}`;
    const foreign = {
      metadata: { name },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'x' } },
        template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'x', image: 'localhost/x:1' }] } },
      },
    };
    const made = await cluster.client.create(deployments, HOME, foreign);
    const pool = await cluster.create({ workload: 'Deployment' }, name);
    await expect.poll(() => cluster.conditionOf(pool, 'Stalled'), WITHIN).toBe('True NameConflict');
    expect((await cluster.workloadOf(pool)).metadata).toMatchObject({ uid: made.metadata.uid, generation: 1 });
    await expect
      .poll(async () => (await cluster.client.list(events, HOME)).items.map(({ reason }) => reason), WITHIN)
      .toContain('NameConflict');
    await cluster.client.delete(deployments, HOME, name);
    await patchSpec(pool, { env: 'prod' });
    await expect.poll(() => cluster.conditionOf(pool, 'Stalled'), WITHIN).toContain('False');
  });

  it.each([
    ['a quantity that is none', { resources: { limits: { cpu: 'much' } } }],
    ['a field that pods do not have', { affinity: { nodeAffinities: {} } }],
    ['a mount of nothing', { volumeMounts: [{ name: 'nothing', mountPath: '/x' }] }],
  ])('says what Kubernetes does not take of a pool: %s', async (_what, spec) => {
    const pool = await cluster.create({ workload: 'Deployment', ...spec });
    await expect.poll(() => cluster.conditionOf(pool, 'Stalled'), WITHIN).toBe('True Invalid');
    expect(await cluster.conditionOf(pool, 'Ready')).toBe('False Invalid');
  });
});
