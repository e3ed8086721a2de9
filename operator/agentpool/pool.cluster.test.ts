import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findCondition } from '../../kube/conditions.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import { agentPools } from '../../kube/resource.ts';
import type { Resource } from '../../kube/resource.ts';
import type { AgentPool, AgentPoolSpec } from '../../kube/types/agentpool.ts';
import { startCluster } from '../../test/kubernetes/cluster.ts';
import type { Cluster } from '../../test/kubernetes/cluster.ts';
import { hasCluster } from '../../test/kubernetes/shared.ts';
import { Operator } from '../operator.ts';
import { defaultSettings } from '../settings.ts';
import { configMaps, daemonSets, deployments, pods } from './kinds.ts';
import type { Workload } from './kinds.ts';
import { POOL_FINALIZER } from './pool-controller.ts';
import { POOL_LABEL } from './pool-labels.ts';

const WITHIN = { timeout: 20_000, interval: 50 };
const HOME = 'home';
const HOST = 'home-host';

const core = (plural: string, kind: string): Resource<KubeObject> => ({ group: '', version: 'v1', plural, kind });
const namespaces = core('namespaces', 'Namespace');
const nodes = core('nodes', 'Node');
const serviceAccounts = core('serviceaccounts', 'ServiceAccount');

describe.skipIf(!hasCluster())('AgentPools of the operator on a real kube-apiserver', () => {
  let cluster: Cluster;
  let client: ReturnType<Cluster['client']>;
  const stop = new AbortController();
  let ended: Promise<void>;
  let serial = 0;

  beforeAll(async () => {
    cluster = await startCluster({
      apiServerArgs: ['--allow-privileged'],
      controllerManager: ['deployment-controller', 'replicaset-controller', 'daemonset-controller'],
    });
    client = cluster.client();
    const labelled = (name: string, level: string): object => ({
      metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': level } },
    });
    await client.create(namespaces, undefined, labelled(HOME, 'restricted') as { metadata: { name: string } });
    await client.create(namespaces, undefined, labelled(HOST, 'privileged') as { metadata: { name: string } });
    for (const namespace of [HOME, HOST])
      await client.create(serviceAccounts, namespace, { metadata: { name: 'tiangong-agent' } });
    for (const name of ['node-a', 'node-b']) {
      await client.create(nodes, undefined, { metadata: { name } });
      // The server calls a new node not ready, and no kubelet says otherwise.
      await client.patch(nodes, undefined, name, { spec: { taints: null } });
    }
    const operator = new Operator({
      client: cluster.client('operator'),
      logger: pino({ level: process.env['LOG_LEVEL'] ?? 'silent' }),
      settings: {
        ...{ ...defaultSettings, homeNamespace: HOME, instance: 'test', livenessCheckMs: 100 },
        pools: {
          image: 'localhost/tiangong-agent:1',
          imagePullPolicy: 'Never',
          imagePullSecrets: ['registry'],
          serviceAccount: 'tiangong-agent',
          hostNamespace: HOST,
          apiUrl: 'https://tiangong-api.home.svc:8080',
          apiCaConfigMap: 'tiangong-api-ca',
          instance: 'test',
        },
      },
    });
    ended = operator.run(stop.signal);
    await vi.waitUntil(() => operator.ready, WITHIN);
  }, 120_000);

  afterAll(async () => {
    stop.abort();
    await ended;
    await cluster?.stop();
  });

  const create = (spec: AgentPoolSpec, name = `pool-${(serial += 1)}`): Promise<AgentPool> =>
    client.create(agentPools, HOME, { metadata: { name }, spec });

  const get = (pool: AgentPool): Promise<AgentPool> => client.get(agentPools, HOME, pool.metadata.name);

  const conditionOf = async (pool: AgentPool, type: string): Promise<string> => {
    const condition = findCondition((await get(pool)).status?.conditions, type);
    return `${condition?.status} ${condition?.reason}`;
  };

  const workloadOf = async (pool: AgentPool, namespace = HOME): Promise<Workload> => {
    const resource: Resource<Workload> = pool.spec.workload === 'DaemonSet' ? daemonSets : deployments;
    let found: Workload | undefined;
    await expect
      .poll(
        async () => (found = await client.get(resource, namespace, pool.metadata.name).catch(() => undefined)),
        WITHIN,
      )
      .toBeDefined();
    return found as unknown as Workload;
  };

  const podsOf = async ({ metadata }: AgentPool, namespace = HOME): Promise<number> =>
    (await client.list(pods, namespace, { labelSelector: `${POOL_LABEL}=${metadata.name}` })).items.length;

  it('makes a Deployment whose pods the restricted level of pod security lets in', async () => {
    const pool = await create({ workload: 'Deployment', replicas: 2, connectionSecrets: ['shop-db'] });
    await expect.poll(() => podsOf(pool), WITHIN).toBe(2);
    const { metadata } = await workloadOf(pool);
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'AgentPool', uid: pool.metadata.uid, controller: true }]);
    await expect.poll(async () => (await get(pool)).status?.current, WITHIN).toBe(2);
    expect((await get(pool)).status).toMatchObject({
      observedGeneration: 1,
      workload: { kind: 'Deployment', namespace: HOME, name: pool.metadata.name },
      desired: 2,
      ready: 0,
    });
    expect(await conditionOf(pool, 'Ready')).toBe('False AgentsNotReady');
  });

  it('makes a DaemonSet with a pod on each node', async () => {
    const pool = await create({ workload: 'DaemonSet' });
    await expect.poll(() => podsOf(pool), WITHIN).toBe(2);
    await expect.poll(async () => (await get(pool)).status?.desired, WITHIN).toBe(2);
  });

  it('makes what acts on the nodes in the host namespace, and takes it away before the pool goes', async () => {
    const pool = await create({ workload: 'DaemonSet', hostAccess: true });
    await expect.poll(() => podsOf(pool, HOST), WITHIN).toBe(2);
    const { spec } = await workloadOf(pool, HOST);
    expect(spec?.template.spec).toMatchObject({
      hostPID: true,
      containers: [{ securityContext: { privileged: true } }],
    });
    expect((await get(pool)).metadata.finalizers).toEqual([POOL_FINALIZER]);
    await client.delete(agentPools, HOME, pool.metadata.name);
    await expect.poll(() => get(pool).then(() => false, isNotFound), WITHIN).toBe(true);
    await expect(client.get(daemonSets, HOST, pool.metadata.name)).rejects.toSatisfy(isNotFound);
    const left = await client.list(configMaps, HOST, { labelSelector: `${POOL_LABEL}=${pool.metadata.name}` });
    expect(left.items).toEqual([]);
  });
});
