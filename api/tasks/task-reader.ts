import type { KubeClient } from '../../kube/client.ts';
import { Informer, keyOf } from '../../kube/informer.ts';
import { isForbidden, isNotFound } from '../../kube/kube-error.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import { deployTasks } from '../../kube/resource.ts';
import { isFinished } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { ByteLru } from '../byte-lru.ts';
import { ChangeWaiter } from '../change-waiter.ts';
import { takeBody } from './task-body.ts';
import type { TaskBody } from './task-body.ts';
import type { TaskName } from './task-id.ts';

/** A task without its body, and the body, both of the same version. Shared: never change them. */
export interface ReadTask {
  readonly task: DeployTask;
  readonly body: TaskBody;
}

export interface TaskReaderOptions {
  /** The only namespaces that are read; all unless set. */
  readonly namespaces?: readonly string[];
  /** How many bytes of bodies are kept in memory. */
  readonly cacheBytes: number;
  readonly metrics?: KubeMetrics;
  readonly onError: (err: unknown) => void;
}

/**
 * Reads tasks: from an informer and a bounded cache of bodies, and from the API server what they lack. Another
 * program's write shows within milliseconds, not at once.
 */
export class TaskReader {
  readonly #client: KubeClient;
  readonly #namespaces: readonly string[] | undefined;
  readonly #informer: Informer<DeployTask>;
  readonly #bodies: ByteLru<TaskBody>;
  readonly changes: ChangeWaiter<DeployTask>;
  #newestFirst: DeployTask[] | undefined;

  constructor(client: KubeClient, options: TaskReaderOptions) {
    this.#client = client;
    this.#namespaces = options.namespaces;
    this.#bodies = new ByteLru(options.cacheBytes);
    this.#informer = new Informer(client, deployTasks, {
      transform: (task) => this.#keepBody(task),
      indexes: {
        uid: ({ metadata }) => (metadata.uid === undefined ? [] : [metadata.uid]),
        file: (task) => (task.spec.fileId === undefined || isFinished(task) ? [] : [task.spec.fileId]),
      },
      onError: options.onError,
      ...(options.namespaces && { namespace: options.namespaces }),
      ...(options.metrics && { metrics: options.metrics }),
    });
    this.#informer.onChange((key, task) => {
      this.#newestFirst = undefined;
      if (task === undefined) this.#bodies.delete(key);
    });
    this.changes = new ChangeWaiter(this.#informer);
  }

  get hasSynced(): boolean {
    return this.#informer.hasSynced;
  }

  get lastContactAt(): number {
    return this.#informer.lastContactAt;
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#informer.run(signal);
  }

  /** Whether the namespace is one of those that are read: elsewhere there are no tasks, whatever the program's rights. */
  watches(namespace: string): boolean {
    return this.#namespaces?.includes(namespace) ?? true;
  }

  /** The task as the informer knows it, without its body. */
  peek(name: TaskName): DeployTask | undefined {
    return this.#informer.get(toKey(name));
  }

  async get(name: TaskName): Promise<ReadTask | undefined> {
    const task = this.peek(name);
    return task === undefined ? this.getFresh(name) : this.getKnown(task);
  }

  /** The body of a task that the informer knows, from the cache if it is there. */
  async getKnown(task: DeployTask): Promise<ReadTask | undefined> {
    const { namespace = '', name, resourceVersion } = task.metadata;
    const key = keyOf(task);
    const known = this.#bodies.get(key);
    if (known !== undefined && known.resourceVersion === resourceVersion) return { task, body: known };
    const fresh = await this.#read({ namespace, name });
    if (fresh === undefined) return undefined;
    // Who reads a task reads it again, as pages that poll do.
    const { body, bytes } = takeBody(fresh);
    this.#bodies.set(key, body, bytes);
    return { task: fresh, body };
  }

  /** Asks the API server itself. */
  async getFresh(name: TaskName): Promise<ReadTask | undefined> {
    const task = await this.#read(name);
    return task && this.adopt(task);
  }

  /** Makes a task to read of an object that the API server just returned; the object is changed. */
  adopt(task: DeployTask): ReadTask {
    const { body } = takeBody(task);
    return { task, body };
  }

  /** A task by its uid, without its body. Asks the API server for those of `agents` when the informer has none. */
  async findByUid(uid: string, agents: readonly string[] = []): Promise<DeployTask | undefined> {
    const [known] = this.#informer.byIndex('uid', uid);
    if (known !== undefined) return known;
    for (const agent of agents) {
      const found = await this.#findOfAgent(uid, agent);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whether the informer knows a task with the uid. */
  hasUid(uid: string): boolean {
    return this.#informer.byIndex('uid', uid).length > 0;
  }

  /** A task that names the file and has not ended, without its body. */
  unfinishedWithFile(fileId: string): DeployTask | undefined {
    return this.#informer.byIndex('file', fileId)[0];
  }

  /** All tasks, by creation time, then name, newest first. */
  newestFirst(): readonly DeployTask[] {
    this.#newestFirst ??= [...this.#informer.values()].sort(compareNewestFirst);
    return this.#newestFirst;
  }

  /** Where there are tasks. */
  namespaces(): Set<string> {
    return new Set(this.newestFirst().map(({ metadata }) => metadata.namespace ?? ''));
  }

  /** Resolves with true once the task has ended or is gone, with false after `timeoutMs` or when the signal aborts. */
  untilEnded(name: TaskName, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.changes.until(toKey(name), hasEnded, timeoutMs, signal);
  }

  /** Resolves with true once the informer has seen the task, with false after `timeoutMs`. */
  untilSeen(name: TaskName, timeoutMs: number): Promise<boolean> {
    return this.changes.until(toKey(name), (task) => task !== undefined, timeoutMs);
  }

  /** Resolves with true once the informer has seen the task go, with false after `timeoutMs`. */
  async untilGone(name: TaskName, timeoutMs: number): Promise<boolean> {
    if (this.peek(name) === undefined) return true;
    return this.changes.until(toKey(name), (task) => task === undefined, timeoutMs);
  }

  async #findOfAgent(uid: string, agent: string): Promise<DeployTask | undefined> {
    for (const namespace of this.#namespaces ?? [undefined]) {
      try {
        const found = await this.#findAmong(namespace, `status.assignment.agent=${agent}`, uid);
        if (found !== undefined) return this.adopt(found).task;
      } catch (err) {
        // The informer says so; the others may be read all the same.
        if (!isForbidden(err) || namespace === undefined) throw err;
      }
    }
    return undefined;
  }

  async #findAmong(namespace: string | undefined, fieldSelector: string, uid: string): Promise<DeployTask | undefined> {
    let position: string | undefined;
    do {
      const query = { fieldSelector, limit: 500, ...(position && { continue: position }) };
      const page = await this.#client.list(deployTasks, namespace, query);
      const found = (page.items ?? []).find(({ metadata }) => metadata.uid === uid);
      if (found !== undefined) return found;
      position = page.metadata.continue;
    } while (position);
    return undefined;
  }

  async #read({ namespace, name }: TaskName): Promise<DeployTask | undefined> {
    if (!this.watches(namespace)) return undefined;
    try {
      return await this.#client.get(deployTasks, namespace, name);
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }

  #keepBody(task: DeployTask): DeployTask {
    const { body, bytes } = takeBody(task);
    this.#bodies.set(keyOf(task), body, bytes);
    return task;
  }
}

export const toKey = ({ namespace, name }: TaskName): string => `${namespace}/${name}`;

/** Nothing more is to be waited for: the task is finished or gone. */
const hasEnded = (task: DeployTask | undefined): boolean => task === undefined || isFinished(task);

function compareNewestFirst({ metadata: a }: DeployTask, { metadata: b }: DeployTask): number {
  const [timeA = '', timeB = ''] = [a.creationTimestamp, b.creationTimestamp];
  if (timeA !== timeB) return timeA < timeB ? 1 : -1;
  return a.name < b.name ? 1 : a.name > b.name ? -1 : 0;
}
