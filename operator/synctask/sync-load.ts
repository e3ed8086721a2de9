import type { SyncTask } from '../../kube/types/synctask.ts';
import { AgentCounts } from '../agent/agent-counts.ts';

/**
 * Counts the SyncTasks that each agent has. An assignment counts from the moment it is decided on, also while the informer does
 * not show it yet: else a burst of tasks would all go to the same agent.
 */
export class SyncLoad {
  readonly #counts = new AgentCounts();
  /** The epochs of assignments that the informer may not show yet, by key. */
  readonly #assumed = new Map<string, number>();

  of(agent: string): number {
    return this.#counts.of(agent);
  }

  /** Takes in what the informer shows; undefined: the task is gone. */
  observe(key: string, sync: SyncTask | undefined): void {
    if (sync !== undefined && (sync.status?.epoch ?? 0) < (this.#assumed.get(key) ?? 0)) return;
    this.#assumed.delete(key);
    this.#counts.set(key, sync?.status?.assignment?.agent);
  }

  /** An assignment is about to be written. */
  assume(key: string, agent: string, epoch: number): void {
    this.#assumed.set(key, epoch);
    this.#counts.set(key, agent);
  }

  /** That assignment was not written; `sync` is what the informer shows. */
  revoke(key: string, sync: SyncTask | undefined): void {
    this.#assumed.delete(key);
    this.#counts.set(key, sync?.status?.assignment?.agent);
  }
}
