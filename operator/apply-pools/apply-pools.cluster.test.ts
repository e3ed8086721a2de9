import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { isNotFound } from '../../kube/kube-error.ts';
import { agentPools } from '../../kube/resource.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import { applyPools } from './apply-pools.ts';
import type { WantedPool } from './apply-pools.ts';

const pool = (name: string, spec: Partial<WantedPool['spec']> = {}): WantedPool => ({
  metadata: { name, labels: { team: 'ops' } },
  spec: { workload: 'Deployment', ...spec },
});

describe.skipIf(!hasCluster())('applyPools', () => {
  let cluster: SharedCluster;
  const apply = (wanted: readonly WantedPool[], release = 'prod'): Promise<void> =>
    applyPools(wanted, {
      ...{ client: cluster.client, homeNamespace: cluster.namespace, release, timeoutMs: 2000 },
      logger: pino({ level: 'silent' }),
    });
  const specOf = async (name: string): Promise<unknown> =>
    (await cluster.client.get(agentPools, cluster.namespace, name)).spec;

  beforeEach(async () => {
    cluster = await sharedCluster();
  });

  it('makes pools, changes them, and takes out what the release says no more', async () => {
    await apply([pool('a', { replicas: 2, env: 'test' }), pool('b')]);
    expect(await specOf('a')).toMatchObject({ replicas: 2, env: 'test' });
    const { uid } = (await cluster.client.get(agentPools, cluster.namespace, 'a')).metadata;
    await apply([pool('a', { replicas: 3 })]);
    const changed = await cluster.client.get(agentPools, cluster.namespace, 'a');
    expect(changed.metadata).toMatchObject({ uid, labels: { team: 'ops', 'app.kubernetes.io/instance': 'prod' } });
    expect([changed.spec.replicas, changed.spec.env]).toEqual([3, undefined]);
    await expect(specOf('b')).rejects.toSatisfy(isNotFound);
  });

  it('writes nothing when nothing has changed', async () => {
    await apply([pool('a')]);
    const { resourceVersion } = (await cluster.client.get(agentPools, cluster.namespace, 'a')).metadata;
    await apply([pool('a')]);
    expect((await cluster.client.get(agentPools, cluster.namespace, 'a')).metadata.resourceVersion).toBe(
      resourceVersion,
    );
  });

  it('leaves pools of people and of other releases alone', async () => {
    await cluster.client.create(agentPools, cluster.namespace, pool('mine'));
    await apply([pool('other')], 'stage');
    await apply([]);
    expect(await specOf('mine')).toMatchObject({ workload: 'Deployment' });
    expect(await specOf('other')).toMatchObject({ workload: 'Deployment' });
    await expect(apply([pool('mine', { replicas: 5 })])).rejects.toThrow(/\/mine is there, but not of release prod/);
    expect(await specOf('mine')).not.toMatchObject({ replicas: 5 });
  });

  it('does not change a pool that is being deleted', async () => {
    await apply([pool('a')]);
    const finalizers = { metadata: { finalizers: ['example.org/hold'] } };
    await cluster.client.patch(agentPools, cluster.namespace, 'a', finalizers);
    await cluster.client.delete(agentPools, cluster.namespace, 'a');
    await expect(apply([pool('a')])).rejects.toThrow(/\/a is still being deleted: upgrade again/);
    await cluster.client.patch(agentPools, cluster.namespace, 'a', { metadata: { finalizers: null } });
  });

  it('says at once what the API server refuses', async () => {
    await expect(apply([pool('a', { workload: 'Job' as never })])).rejects.toThrow(/spec\.workload/);
  });
});
