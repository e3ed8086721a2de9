import { isFinished } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { AgentCounts } from '../agent/agent-counts.ts';

interface Assumption {
  readonly uid: string | undefined;
  readonly epoch: number;
}

/**
 * Counts the tasks that each agent has and that have not ended. An assignment counts from the moment it is decided on,
 * also while the informer does not show it yet: else a burst of tasks would all go to the same agent.
 */
export class AgentLoad {
  readonly #counts = new AgentCounts();
  readonly #assumptions = new Map<string, Assumption>();

  of(agent: string): number {
    return this.#counts.of(agent);
  }

  /** Takes in what the informer shows of a task; undefined: it is gone. */
  observe(key: string, task: DeployTask | undefined): void {
    const assumption = this.#assumptions.get(key);
    if (assumption !== undefined && task !== undefined && isBefore(task, assumption)) return;
    this.#assumptions.delete(key);
    this.#counts.set(key, agentOf(task));
  }

  /** An assignment is about to be written. */
  assume(key: string, task: DeployTask, agent: string, epoch: number): void {
    this.#assumptions.set(key, { uid: task.metadata.uid, epoch });
    this.#counts.set(key, agent);
  }

  /** That assignment was not written; `task` is what the informer shows. */
  revoke(key: string, task: DeployTask | undefined): void {
    this.#assumptions.delete(key);
    this.#counts.set(key, agentOf(task));
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
