import { isDeepStrictEqual } from 'node:util';
import { withCondition } from '../../kube/conditions.ts';
import type { NewCondition } from '../../kube/conditions.ts';
import type { Condition } from '../../kube/object.ts';
import type { AgentPool, AgentPoolStatus } from '../../kube/types/agentpool.ts';
import type { Pod, Workload } from './kinds.ts';
import { problemOf } from './pod-problem.ts';
import { rolloutOf } from './rollout.ts';
import type { Rollout } from './rollout.ts';

/** What only a person can mend. */
export interface Stall {
  /** One CamelCase word. */
  readonly reason: string;
  readonly message: string;
}

/** A merge patch of a status: null takes a field away. */
export type PoolStatusPatch = { readonly [K in keyof AgentPoolStatus]: AgentPoolStatus[K] | null };

/** The longest name that an agent may have. */
const MAX_AGENT_NAME = 63;

/** The status of a pool that there is a workload of, as far as it is known. */
export function statusOf(pool: AgentPool, workload: Workload, pods: readonly Pod[], now: Date): PoolStatusPatch {
  const kind = pool.spec.workload;
  const rollout = rolloutOf(workload, kind);
  const { namespace = '', name } = workload.metadata;
  const { desired, current, updated, ready, available } = rollout;
  return {
    observedGeneration: generationOf(pool),
    workload: { kind, namespace, name },
    ...{ desired, current, updated, ready, available },
    conditions: conditionsOf(pool, rollout, pods, now),
  };
}

/** The status of a pool that nothing can be made of. What was made of it before goes on. */
export function stalledStatus(pool: AgentPool, stall: Stall, now: Date): PoolStatusPatch {
  return {
    observedGeneration: generationOf(pool),
    conditions: withAll(pool, stalledConditions(stall), now),
  };
}

/** Whether the pool says just this already, so that there is nothing to write. */
export function saysAlready(pool: AgentPool, patch: PoolStatusPatch): boolean {
  return Object.entries(patch).every(([field, value]) =>
    isDeepStrictEqual(pool.status?.[field as keyof AgentPoolStatus] ?? null, value),
  );
}

function conditionsOf(pool: AgentPool, rollout: Rollout, pods: readonly Pod[], now: Date): Condition[] {
  const stall = rollout.failure ?? nameTooLong(pool, pods);
  if (stall !== undefined) return withAll(pool, stalledConditions(stall), now);
  const { desired, current, updated, ready, isComplete } = rollout;
  if (isComplete) {
    const message = desired === 0 ? 'no agents are wanted' : `all ${desired} agents are ready`;
    return withAll(pool, readyConditions('AgentsReady', message), now);
  }
  const problem = problemOf(pods);
  const reason = problem?.reason ?? (updated < desired || current > desired ? 'RollingOut' : 'AgentsNotReady');
  const counts = `${ready} of ${desired} agents are ready, ${updated} are as the pool says`;
  const message = problem === undefined ? counts : `${counts}; ${problem.message}`;
  return withAll(pool, progressingConditions(reason, message), now);
}

function nameTooLong({ metadata, spec }: AgentPool, pods: readonly Pod[]): Stall | undefined {
  if (spec.workload !== 'DaemonSet') return undefined;
  const node = pods
    .map((pod) => pod.spec?.nodeName ?? '')
    .sort()
    .find((name) => metadata.name.length + 1 + name.length > MAX_AGENT_NAME);
  if (node === undefined) return undefined;
  const message = `the agent of node ${node} would be named ${metadata.name}-${node}, and names have at most ${MAX_AGENT_NAME} characters; make a pool with a shorter name, or keep this one off such nodes by nodeSelector`;
  return { reason: 'AgentNameTooLong', message };
}

const readyConditions = (reason: string, message: string): NewCondition[] => [
  { type: 'Ready', status: 'True', reason, message },
  { type: 'Reconciling', status: 'False', reason, message },
  { type: 'Stalled', status: 'False', reason, message: 'nothing stands in the way' },
];

const progressingConditions = (reason: string, message: string): NewCondition[] => [
  { type: 'Ready', status: 'False', reason, message },
  { type: 'Reconciling', status: 'True', reason, message },
  { type: 'Stalled', status: 'False', reason, message: 'nothing stands in the way' },
];

const stalledConditions = ({ reason, message }: Stall): NewCondition[] => [
  { type: 'Ready', status: 'False', reason, message },
  { type: 'Reconciling', status: 'False', reason, message },
  { type: 'Stalled', status: 'True', reason, message },
];

function withAll(pool: AgentPool, next: readonly NewCondition[], now: Date): Condition[] {
  const observedGeneration = generationOf(pool);
  let conditions: Condition[] = [...(pool.status?.conditions ?? [])];
  for (const condition of next) conditions = withCondition(conditions, { ...condition, observedGeneration }, now);
  return conditions;
}

const generationOf = (pool: AgentPool): number => pool.metadata.generation ?? 1;
