import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlreadyExists } from '../../kube/kube-error.ts';
import { deployTasks } from '../../kube/resource.ts';
import { isFinished } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { E2eCluster } from './e2e-cluster.ts';
import { NAMESPACE } from './release.ts';
import type { RestApi } from './rest-api.ts';
import { POOL_LABEL } from './suite.ts';

export interface LoadOptions {
  /** Stands in the tasks' names, and names the file of their effects. */
  readonly label: string;
  /** The folder that agents have at /effects, on this machine. */
  readonly folder: string;
  /** Pools that get tasks by the Kubernetes API, in turn. */
  readonly pools: readonly string[];
  /** Agents that get tasks by REST, in turn. */
  readonly agents: readonly string[];
  /** How long a task sleeps between its two effects. */
  readonly taskSeconds: number;
  /** Time from one task to the next. */
  readonly everyMs: number;
  /** Whether every third task of the Kubernetes API says that running it twice does no harm. */
  readonly everyThirdIdempotent: boolean;
}

/** A task of the load, and what its command left behind. */
export interface LoadedTask {
  readonly name: string;
  readonly idempotent: boolean;
  readonly task: DeployTask;
  /** How often its command began. */
  readonly begun: number;
  /** How often it came to its end. */
  readonly ended: number;
}

interface Created {
  /** What the command writes; the task's name unless REST chose that. */
  readonly mark: string;
  readonly name: string;
  readonly idempotent: boolean;
}

/**
 * Creates shell tasks one after another, in turn by REST for the agents `agents` and by the Kubernetes API for any agent of
 * a pool, until it is stopped. A creation that nobody answers is sent again, as a client would: it is one task all the same.
 */
export class Load {
  readonly #cluster: E2eCluster;
  readonly #rest: RestApi;
  readonly #options: LoadOptions;
  readonly #created: Created[] = [];
  readonly #creations: Promise<void>[] = [];
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(cluster: E2eCluster, rest: RestApi, options: LoadOptions) {
    this.#cluster = cluster;
    this.#rest = rest;
    this.#options = options;
  }

  start(): void {
    this.#running = this.#create();
  }

  /** How many tasks there are so far. */
  get size(): number {
    return this.#created.length;
  }

  /** Ends creating, and waits until every task that was begun to be created is there. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await Promise.all(this.#creations);
  }

  /** All tasks of this load. Throws when one is not there any more. */
  async tasks(): Promise<LoadedTask[]> {
    const { items } = await this.#cluster.client.list(deployTasks, NAMESPACE);
    const all = new Map(items.map((task) => [task.metadata.name, task]));
    const counts = await this.#countLines();
    return this.#created.map(({ mark, name, idempotent }) => {
      const task = all.get(name);
      if (task === undefined) throw new Error(`task ${name} is lost: it was created and is not there`);
      return { name, idempotent, task, begun: counts.get(`${mark} begin`) ?? 0, ended: counts.get(`${mark} end`) ?? 0 };
    });
  }

  /** Names of tasks that have not ended, with their states. */
  async unfinished(): Promise<string[]> {
    const open = (await this.tasks()).filter(({ task }) => !isFinished(task));
    return open.map(
      ({ name, task }) => `${name} ${task.status?.state ?? 'new'} ${task.status?.assignment?.agent ?? ''}`,
    );
  }

  async #countLines(): Promise<Map<string, number>> {
    const file = join(this.#options.folder, `${this.#options.label}.log`);
    const text = await readFile(file, 'utf8').catch(() => '');
    const counts = new Map<string, number>();
    for (const line of text.split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1);
    return counts;
  }

  async #create(): Promise<void> {
    for (let serial = 1; !this.#stopped; serial += 1) {
      this.#creations.push(this.#createOne(serial));
      await pause(this.#options.everyMs);
    }
  }

  async #createOne(serial: number): Promise<void> {
    const { label, pools, agents, taskSeconds, everyThirdIdempotent } = this.#options;
    const mark = `${label}-${serial}`;
    const file = `/effects/${label}.log`;
    const command = `echo "$MARK begin" >>${file}; sleep ${taskSeconds}; echo "$MARK end" >>${file}`;
    const params = { env: { MARK: mark } };
    if (serial % 2 === 0) {
      const body = { agent_id: agents[serial % agents.length], type: 'shell', command, params };
      const { id } = await untilAnswered(() => this.#rest.post('/tasks', body, `e2e-${mark}`));
      this.#created.push({ mark, name: id, idempotent: false });
      return;
    }
    const idempotent = everyThirdIdempotent && serial % 3 === 0;
    const agentSelector = { matchLabels: { [POOL_LABEL]: pools[serial % pools.length] ?? '' } };
    const spec = { type: 'shell' as const, command, params, agentSelector, ...(idempotent && { idempotent }) };
    await untilAnswered(async () => {
      try {
        await this.#cluster.client.create(deployTasks, NAMESPACE, { metadata: { name: mark }, spec });
      } catch (err) {
        // An earlier try arrived, though its answer did not.
        if (!isAlreadyExists(err)) throw err;
      }
    });
    this.#created.push({ mark, name: mark, idempotent });
  }
}

const TRY_FOR_MS = 180_000;

async function untilAnswered<T>(send: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + TRY_FOR_MS;
  for (;;) {
    try {
      return await send();
    } catch (err) {
      if (performance.now() > deadline) throw err;
      await pause(500);
    }
  }
}
