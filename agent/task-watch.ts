import type { Logger } from 'pino';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { deployTasks } from '../kube/resource.ts';
import { END_STATES } from '../kube/task-state.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';

export type TaskListener = (task: DeployTask | undefined, previous: DeployTask | undefined) => void;

/** Watches the tasks that are assigned to one agent and have not ended, in the namespaces that it serves. */
export class TaskWatch {
  readonly #client: KubeClient;
  readonly #fieldSelector: string;
  readonly #listener: TaskListener;
  readonly #logger: Logger;
  readonly #running = new Map<string, { stop: AbortController; done: Promise<void> }>();

  constructor(client: KubeClient, agent: string, listener: TaskListener, logger: Logger) {
    this.#client = client;
    const unfinished = END_STATES.map((state) => `status.state!=${state}`);
    this.#fieldSelector = [`status.assignment.agent=${agent}`, ...unfinished].join(',');
    this.#listener = listener;
    this.#logger = logger;
  }

  /** Watches exactly these namespaces from now on; `*` is all. */
  serve(namespaces: readonly string[]): void {
    const wanted = new Set(namespaces.includes('*') ? ['*'] : namespaces);
    for (const [namespace, { stop }] of this.#running) {
      if (wanted.has(namespace)) continue;
      stop.abort();
      this.#running.delete(namespace);
    }
    for (const namespace of wanted) if (!this.#running.has(namespace)) this.#watch(namespace);
  }

  async close(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { stop } of running) stop.abort();
    await Promise.all(running.map(({ done }) => done));
  }

  #watch(namespace: string): void {
    const informer = new Informer(this.#client, deployTasks, {
      ...(namespace === '*' ? {} : { namespace }),
      fieldSelector: this.#fieldSelector,
      transform: withoutWork,
      onError: (err) => this.#logger.warn({ err, namespace }, 'the watch of tasks failed and will be tried again'),
    });
    const stop = new AbortController();
    // What was asked to stop must not speak any more: its tasks did not vanish.
    informer.onChange((_key, task, previous) => {
      if (!stop.signal.aborted) this.#listener(task, previous);
    });
    this.#running.set(namespace, { stop, done: informer.run(stop.signal) });
  }
}

/** The answer to the start write has what the work needs; waiting tasks need not hold it in memory. */
function withoutWork(task: DeployTask): DeployTask {
  delete task.spec.command;
  delete task.spec.params;
  return task;
}
