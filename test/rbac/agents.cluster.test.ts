import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import { agentPools, agents, leases } from '../../kube/resource.ts';
import type { Resource } from '../../kube/resource.ts';
import { hasHelm } from '../chart/helm-binaries.ts';
import { startCluster } from '../kubernetes/cluster.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { installRelease } from './release.ts';
import type { Release } from './release.ts';

const POD = { pod: 'pool-7c9d-x2x4z', node: 'node-1' };
const OTHER = { pod: 'pool-7c9d-other', node: 'node-2' };
const ONLINE = {
  type: 'Online',
  status: 'True',
  reason: 'LeaseRenewed',
  message: 'the agent renews its lease',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};

describe.skipIf(!hasCluster() || !hasHelm())('an agent speaks for itself alone', () => {
  let cluster: Cluster;
  let release: Release;
  let operator: KubeClient;
  let pod: KubeClient;
  let other: KubeClient;

  beforeAll(async () => {
    cluster = await startCluster();
    release = await installRelease(cluster, 'home');
    operator = await release.component('operator');
    pod = await release.podAgent(POD);
    other = await release.podAgent(OTHER);
  });
  afterAll(() => cluster?.stop());

  const register = (as: KubeClient, name: string, spec: object = {}): Promise<unknown> =>
    as.create(agents, 'home', { metadata: { name }, spec });
  const report = (as: KubeClient, name: string, status: object): Promise<unknown> =>
    as.patch(agents, 'home', name, { status }, { subresource: 'status' });
  const lease = (as: KubeClient, name: string): Promise<unknown> =>
    as.create(leases, 'home', { metadata: { name }, spec: { holderIdentity: 'i', leaseDurationSeconds: 25 } });
  const renew = (as: KubeClient, name: string): Promise<unknown> =>
    as.patch(leases, 'home', name, { spec: { holderIdentity: 'mine' } });

  /** Removes what a try that failed may have made. */
  const remove = async (resource: Resource<KubeObject>, ...names: readonly string[]): Promise<void> => {
    for (const name of names)
      await release.admin.delete(resource, 'home', name).catch((err: unknown) => {
        if (!isNotFound(err)) throw err;
      });
  };

  it('registers itself, and says what it is', async () => {
    await remove(agents, POD.pod);
    await register(pod, POD.pod);
    await expect(report(pod, POD.pod, { hostname: 'node-1', draining: true })).resolves.toBeDefined();
    await expect(pod.patch(agents, 'home', POD.pod, { metadata: { labels: { team: 'a' } } })).resolves.toBeDefined();
  });

  it('may not register another agent, or say something of it', async () => {
    await expect(register(other, 'impostor')).rejects.toThrow(
      'the caller is not agent impostor but pool-7c9d-other or pool-7c9d-node-2',
    );
    await expect(report(other, POD.pod, { hostname: 'elsewhere' })).rejects.toThrow(
      'the caller is not agent pool-7c9d-x2x4z',
    );
    const labels = { metadata: { labels: { team: 'b' } } };
    await expect(other.patch(agents, 'home', POD.pod, labels)).rejects.toThrow('the caller is not agent');
  });

  it('may not say whose tasks it takes, nor change what people and pools set', async () => {
    await expect(register(other, OTHER.pod, { namespaces: ['*'] })).rejects.toThrow('may not say whose tasks it takes');
    await expect(register(other, OTHER.pod, { tags: ['prod'] })).rejects.toThrow('nor tag itself');
    for (const spec of [{ namespaces: ['*'] }, { tags: ['prod'] }, { unschedulable: true }, { maxConcurrent: 1000 }])
      await expect(pod.patch(agents, 'home', POD.pod, { spec })).rejects.toThrow('may not change its spec');
  });

  it('may not say that it is online: the operator says so', async () => {
    await report(operator, POD.pod, { conditions: [] });
    await expect(report(pod, POD.pod, { conditions: [ONLINE] })).rejects.toThrow('only the operator says whether');
    await report(operator, POD.pod, { conditions: [ONLINE] });
    await expect(report(pod, POD.pod, { conditions: [] })).rejects.toThrow('only the operator says whether');
    await expect(report(pod, POD.pod, { version: '2' })).resolves.toBeDefined();
  });

  it('has nobody else speak for it', async () => {
    await expect(report(release.admin, POD.pod, { version: '3' })).rejects.toThrow(
      'only the operator and the agent itself',
    );
  });

  it('holds its own Lease, and no other', async () => {
    const daemons = `${OTHER.pod.slice(0, 9)}-node-2`;
    await remove(leases, POD.pod, daemons);
    await lease(pod, POD.pod);
    await expect(renew(pod, POD.pod)).resolves.toBeDefined();
    await expect(renew(other, POD.pod)).rejects.toThrow(
      'the Lease of agent pool-7c9d-x2x4z may not be held by pool-7c9d-other',
    );
    await expect(lease(other, 'not-yet-there')).rejects.toThrow('may not be held by');
    await expect(lease(other, daemons)).resolves.toBeDefined();
  });

  it('cannot become the operator, nor can anybody else', async () => {
    await remove(leases, 'tiangong-operator.leader');
    for (const client of [pod, release.admin])
      await expect(lease(client, 'tiangong-operator.leader')).rejects.toThrow(/Lease of (the leader|agent)/);
    await expect(lease(operator, 'tiangong-operator.leader')).resolves.toBeDefined();
    await expect(renew(operator, 'tiangong-operator.leader')).resolves.toBeDefined();
    await expect(renew(release.admin, 'tiangong-operator.leader')).rejects.toThrow('only the operator');
  });

  it('is nobody when its token names no pod', async () => {
    const stolen = await release.component('agent');
    await expect(register(stolen, 'nobody')).rejects.toThrow('whose token names no pod');
    await expect(lease(stolen, 'nobody')).rejects.toThrow('whose token names no pod');
  });

  it('leaves Leases of others to those who may write them', async () => {
    await remove(leases, 'something-else');
    await expect(lease(release.admin, 'something-else')).resolves.toBeDefined();
  });

  describe('of an AgentPool', () => {
    const pool = (as: KubeClient, name: string, spec: object): Promise<unknown> =>
      as.create(agentPools, 'home', { metadata: { name }, spec: { workload: 'DaemonSet', ...spec } });

    it('only the operator says how it is', async () => {
      await remove(agentPools, 'one');
      await pool(release.admin, 'one', {});
      const patch = (as: KubeClient): Promise<unknown> =>
        as.patch(agentPools, 'home', 'one', { status: { ready: 3 } }, { subresource: 'status' });
      await expect(patch(release.admin)).rejects.toThrow('only the operator writes the status of an AgentPool');
      await expect(patch(operator)).resolves.toBeDefined();
    });

    it('only those give it the nodes who have the right to', async () => {
      await release.admin.patch(agentPools, 'home', 'rooted', { metadata: { finalizers: [] } }).catch(() => undefined);
      await remove(agentPools, 'plain', 'scratch', 'rooted');
      const kim = await release.person('kim', { home: 'tiangong.home.admin' });
      await expect(pool(kim, 'plain', {})).resolves.toBeDefined();
      await expect(pool(kim, 'rooted', { hostAccess: true })).rejects.toThrow(
        'a pool with hostAccess or hostPath reaches nodes themselves: system:serviceaccount:people:kim needs the verb hostaccess',
      );
      const volumes = [{ name: 'etc', hostPath: { path: '/etc' } }];
      await expect(pool(kim, 'mounted', { volumes })).rejects.toThrow('needs the verb hostaccess');
      await expect(pool(kim, 'scratch', { volumes: [{ name: 'tmp', emptyDir: {} }] })).resolves.toBeDefined();
      await pool(release.admin, 'rooted', { hostAccess: true });
      const change = (spec: object): Promise<unknown> => kim.patch(agentPools, 'home', 'rooted', { spec });
      await expect(change({ image: 'localhost/evil:1' })).rejects.toThrow('needs the verb hostaccess');
      const finalizers = { metadata: { finalizers: ['tiangong.io/agentpool'] } };
      await expect(operator.patch(agentPools, 'home', 'rooted', finalizers)).resolves.toBeDefined();
    });
  });
});
