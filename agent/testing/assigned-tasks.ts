import { randomBytes } from 'node:crypto';
import type { KubeClient } from '../../kube/client.ts';
import { agents, deployTasks, leases } from '../../kube/resource.ts';
import { isFinished } from '../../kube/task-state.ts';
import type { Agent } from '../../kube/types/agent.ts';
import type { DeployTask, DeployTaskSpec } from '../../kube/types/deploytask.ts';

const POLL_MS = 25;
/** Processes of agents are started meanwhile, which takes long on a busy machine. */
const DEADLINE_MS = 60_000;

/** Plays the operator for tests of the agent alone: creates tasks and assigns them to whoever holds the agent's Lease. */
export class AssignedTasks {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #agent: string;

  constructor(client: KubeClient, namespace: string, agent: string) {
    this.#client = client;
    this.#namespace = namespace;
    this.#agent = agent;
  }

  /** The instance id of the agent's process. */
  async instance(): Promise<string> {
    return eventually(async () => {
      const lease = await this.#client.get(leases, this.#namespace, this.#agent);
      const registered: Agent = await this.#client.get(agents, this.#namespace, this.#agent);
      const holder = lease.spec?.holderIdentity ?? '';
      return holder !== '' && registered.status?.instance === holder ? holder : undefined;
    }, `agent ${this.#agent} to register`);
  }

  async create(
    spec: Partial<DeployTaskSpec> & { type?: 'shell' | 'api' | 'postgres' },
    name = randomName(),
  ): Promise<DeployTask> {
    const body = { metadata: { name }, spec: { agent: this.#agent, type: 'shell' as const, ...spec } };
    return this.#client.create(deployTasks, this.#namespace, body);
  }

  /** Gives a task to the agent, to its present process unless another is named. */
  async assign(task: DeployTask, instance?: string): Promise<DeployTask> {
    const holder = instance ?? (await this.instance());
    const epoch = (task.status?.assignment?.epoch ?? 0) + 1;
    const status = { state: 'Assigned', assignment: { agent: this.#agent, instance: holder, epoch } };
    return this.#client.patch(deployTasks, this.#namespace, task.metadata.name, { status }, { subresource: 'status' });
  }

  /** Creates a task, assigns it and waits for its end. */
  async run(spec: Partial<DeployTaskSpec> & { type?: 'shell' | 'api' | 'postgres' }): Promise<DeployTask> {
    const task = await this.assign(await this.create(spec));
    return this.ended(task.metadata.name);
  }

  get(name: string): Promise<DeployTask> {
    return this.#client.get(deployTasks, this.#namespace, name);
  }

  cancel(name: string): Promise<DeployTask> {
    return this.#client.patch(deployTasks, this.#namespace, name, { spec: { cancel: true } });
  }

  /** The task once it is in the state. */
  in(name: string, state: string): Promise<DeployTask> {
    return eventually(async () => {
      const task = await this.get(name);
      return task.status?.state === state ? task : undefined;
    }, `${name} to be ${state}`);
  }

  ended(name: string): Promise<DeployTask> {
    return eventually(async () => {
      const task = await this.get(name);
      return isFinished(task) ? task : undefined;
    }, `${name} to end`);
  }
}

/** Asks again until there is an answer; what is thrown counts as none. */
export async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  let last: unknown;
  for (const deadline = performance.now() + DEADLINE_MS; performance.now() < deadline;) {
    try {
      const found = await look();
      if (found !== undefined) return found;
      last = undefined;
    } catch (err) {
      last = err;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`waited in vain for ${what}`, { cause: last });
}

const randomName = (): string => `task-${randomBytes(6).toString('hex')}`;
