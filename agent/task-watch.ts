import type { Logger } from 'pino';
import type { KubeClient } from '../kube/client.ts';
import { deployTasks } from '../kube/resource.ts';
import { END_STATES } from '../kube/task-state.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import { NamespacedInformers } from './namespaced-informers.ts';

export type TaskListener = (task: DeployTask | undefined, previous: DeployTask | undefined) => void;

/** Watches the tasks that are assigned to one agent and have not ended, in the namespaces that it serves. */
export class TaskWatch {
  readonly #informers: NamespacedInformers<DeployTask>;

  constructor(client: KubeClient, agent: string, listener: TaskListener, logger: Logger) {
    const unfinished = END_STATES.map((state) => `status.state!=${state}`);
    this.#informers = new NamespacedInformers(client, deployTasks, {
      fieldSelector: [`status.assignment.agent=${agent}`, ...unfinished].join(','),
      transform: withoutWork,
      onChange: (_key, task, previous) => listener(task, previous),
      logger,
    });
  }

  /** Watches exactly these namespaces from now on; `*` is all. */
  serve(namespaces: readonly string[]): void {
    this.#informers.serve(namespaces);
  }

  close(): Promise<void> {
    return this.#informers.close();
  }
}

/** The answer to the start write has what the work needs; waiting tasks need not hold it in memory. */
function withoutWork(task: DeployTask): DeployTask {
  delete task.spec.command;
  delete task.spec.params;
  return task;
}
