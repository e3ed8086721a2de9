import { isFinished } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';

interface Assumption {
  readonly uid: string | undefined;
  readonly epoch: number;
}

/**
 * Counts the tasks that each agent has and that have not ended. An assignment counts from the moment it is decided on,
 * also while the informer does not show it yet: else a burst of tasks would all go to the same agent.
 */
export class AgentLoad {
  readonly #counts = new Map<string, number>();
  readonly #agents = new Map<string, string>();
  readonly #assumptions = new Map<string, Assumption>();

  of(agent: string): number {
    return this.#counts.get(agent) ?? 0;
  }

  /** Takes in what the informer shows of a task; undefined: it is gone. */
  observe(key: string, task: DeployTask | undefined): void {
    const assumption = this.#assumptions.get(key);
    if (assumption !== undefined && task !== undefined && isBefore(task, assumption)) return;
    this.#assumptions.delete(key);
    this.#set(key, agentOf(task));
  }

  /** An assignment is about to be written. */
  assume(key: string, task: DeployTask, agent: string, epoch: number): void {
    this.#assumptions.set(key, { uid: task.metadata.uid, epoch });
    this.#set(key, agent);
  }

  /** That assignment was not written; `task` is what the informer shows. */
  revoke(key: string, task: DeployTask | undefined): void {
    this.#assumptions.delete(key);
    this.#set(key, agentOf(task));
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

function isBefore(task: DeployTask, { uid, epoch }: Assumption): boolean {
  return task.metadata.uid === uid && !isFinished(task) && (task.status?.assignment?.epoch ?? 0) < epoch;
}

/** The agent that has the task, if it has not ended. */
export function agentOf(task: DeployTask | undefined): string | undefined {
  const { state, assignment } = task?.status ?? {};
  return state === 'Assigned' || state === 'Running' ? assignment?.agent : undefined;
}
