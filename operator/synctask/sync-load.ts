import type { SyncTask } from '../../kube/types/synctask.ts';

/**
 * Counts the SyncTasks that each agent has. An assignment counts from the moment it is decided on, also while the informer does
 * not show it yet: else a burst of tasks would all go to the same agent.
 */
export class SyncLoad {
  readonly #counts = new Map<string, number>();
  readonly #agents = new Map<string, string>();
  /** The epochs of assignments that the informer may not show yet, by key. */
  readonly #assumed = new Map<string, number>();

  of(agent: string): number {
    return this.#counts.get(agent) ?? 0;
  }

  /** Takes in what the informer shows; undefined: the task is gone. */
  observe(key: string, sync: SyncTask | undefined): void {
    if (sync !== undefined && (sync.status?.epoch ?? 0) < (this.#assumed.get(key) ?? 0)) return;
    this.#assumed.delete(key);
    this.#set(key, sync?.status?.assignment?.agent);
  }

  /** An assignment is about to be written. */
  assume(key: string, agent: string, epoch: number): void {
    this.#assumed.set(key, epoch);
    this.#set(key, agent);
  }

  /** That assignment was not written; `sync` is what the informer shows. */
  revoke(key: string, sync: SyncTask | undefined): void {
    this.#assumed.delete(key);
    this.#set(key, sync?.status?.assignment?.agent);
  }

  #set(key: string, agent: string | undefined): void {
    const before = this.#agents.get(key);
    if (before === agent) return;
    if (before !== undefined) this.#add(before, -1);
    if (agent === undefined) this.#agents.delete(key);
    else {
      this.#agents.set(key, agent);
      this.#add(agent, 1);
    }
  }

  #add(agent: string, change: number): void {
    const count = this.of(agent) + change;
    if (count === 0) this.#counts.delete(agent);
    else this.#counts.set(agent, count);
  }
}
