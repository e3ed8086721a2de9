import { isDeepStrictEqual } from 'node:util';
import type { Agent, AgentSpec } from '../../kube/types/agent.ts';
import type { AgentPool } from '../../kube/types/agentpool.ts';
import type { Presence } from '../deploytask/world.ts';

/** What is known of an agent that says it is of a pool. */
export interface PoolAgentWorld {
  /** Undefined: the pool is not there any more. */
  readonly pool: AgentPool | undefined;
  /** Whether there is a pod that is, or will be, this agent. */
  readonly hasPod: boolean;
  /** For how long there has been none, in milliseconds; 0 while there is one. */
  readonly podlessMs: number;
  readonly presence: Presence;
  /** Whether tasks or syncs are assigned to it that have not ended. */
  readonly hasWork: boolean;
}

/** What is to be done about such an agent. */
export type PoolAgentDecision =
  /** Nothing. `forMs`: look again after that time. */
  | { readonly do: 'wait'; readonly forMs?: number }
  /** Merge this into the spec. */
  | { readonly do: 'spec'; readonly spec: AgentSpec }
  /** Nothing will be this agent again: delete it, with its Lease. */
  | { readonly do: 'delete' };

/** A node gets its next pod within seconds of the end of the one before; what people set of the agent shall outlive that. */
const NODE_GRACE_MS = 5 * 60_000;

/** A pod of a Deployment never comes back: this is only for a look at the caches that is not too early. */
const POD_GRACE_MS = 10_000;

/** Work is resolved, and a Lease runs out, within half a minute. */
const LOOK_AGAIN_MS = 10_000;

/** What is to be done about an agent of a pool. Pure. */
export function decidePoolAgent(agent: Agent, world: PoolAgentWorld): PoolAgentDecision {
  const { pool, hasPod, podlessMs, presence, hasWork } = world;
  if (hasPod) {
    const spec = pool && missing(agent.spec ?? {}, wantedSpec(pool));
    return spec === undefined ? { do: 'wait' } : { do: 'spec', spec };
  }
  const waitMs = graceOf(pool) - podlessMs;
  if (waitMs > 0) return { do: 'wait', forMs: waitMs };
  if (hasWork || !(presence.lost || presence.released)) return { do: 'wait', forMs: LOOK_AGAIN_MS };
  return { do: 'delete' };
}

const graceOf = (pool: AgentPool | undefined): number =>
  pool?.spec.workload === 'DaemonSet' ? NODE_GRACE_MS : POD_GRACE_MS;

/** What the pool says of its agents' specs; what it leaves open is people's. */
function wantedSpec({ spec: { tags, maxConcurrent, namespaces } }: AgentPool): AgentSpec {
  return {
    ...(tags !== undefined && { tags }),
    ...(maxConcurrent !== undefined && { maxConcurrent }),
    ...(namespaces !== undefined && { namespaces }),
  };
}

function missing(spec: AgentSpec, wanted: AgentSpec): AgentSpec | undefined {
  const differs = Object.entries(wanted).some(
    ([key, value]) => !isDeepStrictEqual(spec[key as keyof AgentSpec], value),
  );
  return differs ? wanted : undefined;
}
