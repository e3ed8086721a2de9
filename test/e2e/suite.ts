import { afterEach, inject, vi } from 'vitest';
import { agents } from '../../kube/resource.ts';
import type { Agent } from '../../kube/types/agent.ts';
import { E2eCluster } from './e2e-cluster.ts';
import { NAMESPACE } from './release.ts';
import { Transcript } from './transcript.ts';

/** The label of Agents and pods that names their pool. */
export const POOL_LABEL = 'tiangong.io/agent-pool';

/** The cluster that globalSetup brought up, and the transcript of this run; `title` is the section that follows. */
export function openSuite(title: string): { cluster: E2eCluster; transcript: Transcript } {
  const facts = inject('e2e');
  const transcript = new Transcript(facts.transcriptFile);
  transcript.section(title);
  const cluster = new E2eCluster(facts, transcript);
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') process.stderr.write(`\n${task.name}\n${await cluster.diagnosis()}\n`);
  });
  return { cluster, transcript };
}

/** A volume that pods of a pool share, at /effects; `Release.prepare` makes the claim. */
const EFFECTS = {
  volumes: [{ name: 'effects', persistentVolumeClaim: { claimName: 'effects' } }],
  volumeMounts: [{ name: 'effects', mountPath: '/effects' }],
} as const;

/** A namespace that is deleted looks after its pods again only when half of this is over (Kubernetes' namespace controller). */
const GRACE = { terminationGracePeriodSeconds: 60 } as const;

/** The pools of the suite: two agents anywhere, and one on each node. */
export const POOLS = {
  default: { workload: 'Deployment', replicas: 2, ...GRACE, ...EFFECTS },
  nodes: { workload: 'DaemonSet', ...GRACE, ...EFFECTS },
} as const;

/** Waits until a pool has so many agents that are online and take tasks; pods start slowly where the nodes share two cores. */
export async function untilReady(cluster: E2eCluster, pool: string, count: number): Promise<void> {
  const ready = async (): Promise<boolean> => (await readyAgents(cluster, pool)).length === count;
  await vi.waitUntil(ready, { timeout: 300_000, interval: 500 });
}

/** The agents of a pool that are online and take tasks. */
async function readyAgents(cluster: E2eCluster, pool: string): Promise<Agent[]> {
  const { items } = await cluster.client.list(agents, NAMESPACE, { labelSelector: `${POOL_LABEL}=${pool}` });
  return items.filter(
    ({ status }) =>
      status?.draining !== true &&
      status?.conditions?.some(({ type, status: value }) => type === 'Online' && value === 'True'),
  );
}
