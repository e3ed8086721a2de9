import type { DeployTask } from '../../kube/types/deploytask.ts';

/**
 * Remembers since when tasks have been Running. Their startTime is by the agent's clock, which may be wrong; so what
 * the operator saw itself counts more.
 */
export class RunningSince {
  readonly #seen = new Map<string, { readonly at: number; readonly sawStart: boolean }>();

  /** Takes in what the informer shows of a task, and what it showed before. `now`: milliseconds since 1970. */
  observe(key: string, task: DeployTask | undefined, previous: DeployTask | undefined, now: number): void {
    if (task?.status?.state !== 'Running') this.#seen.delete(key);
    else if (!this.#seen.has(key)) this.#seen.set(key, { at: now, sawStart: previous !== undefined });
  }

  /** In milliseconds since 1970, by our clock. */
  of(key: string, task: DeployTask, now: number): number {
    const seen = this.#seen.get(key);
    if (seen?.sawStart === true) return seen.at;
    const { startTime = '', assignment } = task.status ?? {};
    // It cannot have started before it was assigned, by the clock of an operator, nor after it was seen running.
    const startedAt = Math.max(Date.parse(startTime) || 0, Date.parse(assignment?.time ?? '') || 0);
    return Math.min(startedAt, seen?.at ?? now);
  }
}
