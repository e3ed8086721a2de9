import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { deployTasks } from '../kube/resource.ts';
import { isFinished } from '../kube/task-state.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';

/** Nothing that is measured takes this long, on any machine. */
const STUCK_MS = 120_000;

/** Tells when tasks have ended, by a watch: what a client of the Kubernetes API would see. */
export class TaskEndings {
  readonly #waiting = new Map<string, (task: DeployTask) => void>();
  /** Ended before anybody waited: the watch is often faster than the answer to the POST. */
  readonly #ended = new Map<string, DeployTask>();
  readonly #stop = new AbortController();
  readonly #informer: Informer<DeployTask>;
  readonly #running: Promise<void>;

  constructor(client: KubeClient, namespace: string) {
    this.#informer = new Informer(client, deployTasks, { namespace });
    this.#informer.onChange((_key, task) => {
      if (task === undefined || !isFinished(task)) return;
      const { name } = task.metadata;
      const resolve = this.#waiting.get(name);
      this.#waiting.delete(name);
      if (resolve === undefined) this.#ended.set(name, task);
      else resolve(task);
    });
    this.#running = this.#informer.run(this.#stop.signal);
  }

  get synced(): Promise<void> {
    return this.#informer.synced;
  }

  /** Rejects when the task does not end within two minutes. */
  of(name: string): Promise<DeployTask> {
    const ended = this.#ended.get(name);
    this.#ended.delete(name);
    if (ended !== undefined) return Promise.resolve(ended);
    return new Promise((resolve, reject) => {
      const stuck = setTimeout(() => reject(new Error(`task ${name} did not end`)), STUCK_MS);
      this.#waiting.set(name, (task) => {
        clearTimeout(stuck);
        resolve(task);
      });
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
