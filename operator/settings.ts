/** How an operator works. */
export interface OperatorSettings {
  /** The namespace of agents, their Leases and the leader's. */
  readonly homeNamespace: string;
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
}

export const defaultSettings: Omit<OperatorSettings, 'instance'> = {
  homeNamespace: 'default',
  // An API server answers a write in 3 to 50 ms: this keeps it busy without queueing on it.
  workers: 32,
  resyncMs: 10 * 60_000,
  livenessCheckMs: 2000,
  // As long as a push may take (facts §1.8).
  syncMoveDelayMs: 30_000,
};
