import { pino } from 'pino';
import { expect, vi } from 'vitest';
import type { KubeClient } from '../../../kube/client.ts';
import { findCondition } from '../../../kube/conditions.ts';
import type { KubeObject } from '../../../kube/object.ts';
import { agentPools } from '../../../kube/resource.ts';
import type { Resource } from '../../../kube/resource.ts';
import type { AgentPool, AgentPoolSpec } from '../../../kube/types/agentpool.ts';
import { startCluster } from '../../../test/kubernetes/cluster.ts';
import { Operator } from '../../operator.ts';
import { defaultSettings } from '../../settings.ts';
import { pods } from '../kinds.ts';
import type { Workload } from '../kinds.ts';
import { SETTINGS } from '../pool-fixture.ts';
import { POOL_LABEL } from '../pool-labels.ts';
import { resourceOf } from '../workload-writer.ts';

export const WITHIN = { timeout: 20_000, interval: 50 };
export const HOME = 'home';
export const HOST = 'home-host';

const core = (plural: string, kind: string): Resource<KubeObject> => ({ group: '', version: 'v1', plural, kind });
const namespaces = core('namespaces', 'Namespace');
const nodes = core('nodes', 'Node');
const serviceAccounts = core('serviceaccounts', 'ServiceAccount');

/** A real cluster without kubelets, with two nodes, and an operator that sees to pools. */
export interface PoolCluster {
  readonly client: KubeClient;
  create(spec: AgentPoolSpec, name?: string): Promise<AgentPool>;
  get(pool: AgentPool): Promise<AgentPool>;
  /** Status and reason of a condition, as in `True AgentsReady`. */
  conditionOf(pool: AgentPool, type: string): Promise<string>;
  /** Waits for the workload. */
  workloadOf(pool: AgentPool, namespace?: string): Promise<Workload>;
  podsOf(pool: AgentPool, namespace?: string): Promise<readonly KubeObject[]>;
  /** Says of the pool's pods what kubelets would say of pods that run. */
  makeReady(pool: AgentPool): Promise<void>;
  stop(): Promise<void>;
}

export async function startPoolCluster(): Promise<PoolCluster> {
  const cluster = await startCluster({
    apiServerArgs: ['--allow-privileged'],
    controllerManager: ['deployment-controller', 'replicaset-controller', 'daemonset-controller'],
  });
  const client = cluster.client();
  await prepare(client);
  const operator = new Operator({
    client: cluster.client('operator'),
    logger: pino({ level: process.env['LOG_LEVEL'] ?? 'silent' }),
    settings: {
      ...{ ...defaultSettings, homeNamespace: HOME, instance: 'test', livenessCheckMs: 100 },
      pools: SETTINGS,
    },
  });
  const stop = new AbortController();
  const ended = operator.run(stop.signal);
  await vi.waitUntil(() => operator.ready, WITHIN);
  let serial = 0;
  const get = (pool: AgentPool): Promise<AgentPool> => client.get(agentPools, HOME, pool.metadata.name);
  const podsOf = async ({ metadata }: AgentPool, namespace = HOME): Promise<readonly KubeObject[]> =>
    (await client.list(pods, namespace, { labelSelector: `${POOL_LABEL}=${metadata.name}` })).items;
  return {
    client,
    create: (spec, name = `pool-${(serial += 1)}`) => client.create(agentPools, HOME, { metadata: { name }, spec }),
    get,
    conditionOf: async (pool, type) => {
      const condition = findCondition((await get(pool)).status?.conditions, type);
      return `${condition?.status} ${condition?.reason}`;
    },
    workloadOf: (pool, namespace = HOME) =>
      vi.waitFor(() => client.get(resourceOf(pool), namespace, pool.metadata.name), WITHIN),
    podsOf,
    makeReady: async (pool) => {
      await expect.poll(async () => (await podsOf(pool)).length, WITHIN).toBeGreaterThan(0);
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }];
      const status = { phase: 'Running', conditions };
      for (const { metadata } of await podsOf(pool))
        await client.patch(pods, HOME, metadata.name, { status }, { subresource: 'status' });
    },
    stop: async () => {
      stop.abort();
      await ended;
      await cluster.stop();
    },
  };
}

async function prepare(client: KubeClient): Promise<void> {
  for (const [name, level] of Object.entries({ [HOME]: 'restricted', [HOST]: 'privileged' })) {
    const labels = { 'pod-security.kubernetes.io/enforce': level };
    await client.create(namespaces, undefined, { metadata: { name, labels } });
    await client.create(serviceAccounts, name, { metadata: { name: SETTINGS.serviceAccount ?? '' } });
  }
  for (const name of ['node-a', 'node-b']) {
    await client.create(nodes, undefined, { metadata: { name } });
    // The server calls a new node not ready, and no kubelet says otherwise.
    await client.patch(nodes, undefined, name, { spec: { taints: null } });
  }
}
