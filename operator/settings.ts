import { ALL_NAMESPACES } from '../kube/watched-namespaces.ts';
import type { PoolSettings } from './agentpool/pool-settings.ts';

/** How an operator works. */
export interface OperatorSettings {
  /** The namespace of agents, their Leases and the leader's. */
  readonly homeNamespace: string;
  /** The namespaces whose tasks and syncs are seen to beside the home namespace's; `*` for all. */
  readonly namespaces: readonly string[];
  /** Names this process in Events. */
  readonly instance: string;
  /** How many tasks are written at the same time. */
  readonly workers: number;
  /** After how long every task is looked at again, whatever happens. */
  readonly resyncMs: number;
  /** How often agents are looked for that went silent. */
  readonly livenessCheckMs: number;
  /** How long after the loss of an agent its syncs are begun elsewhere: what it had sent must have ended at consumers. */
  readonly syncMoveDelayMs: number;
  /** What the pods of AgentPools need; undefined: no pools are seen to, as where there are no pods. */
  readonly pools?: PoolSettings | undefined;
}

export const defaultSettings: Omit<OperatorSettings, 'instance'> = {
  homeNamespace: 'default',
  namespaces: [ALL_NAMESPACES],
  // An API server answers a write in 3 to 50 ms: this keeps it busy without queueing on it.
  workers: 32,
  resyncMs: 10 * 60_000,
  livenessCheckMs: 2000,
  // As long as a push may take (facts §1.8).
  syncMoveDelayMs: 30_000,
};
