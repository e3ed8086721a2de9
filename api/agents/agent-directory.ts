import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import { agents, leases } from '../../kube/resource.ts';
import type { Lease } from '../../kube/resource.ts';
import type { Agent } from '../../kube/types/agent.ts';
import { ChangeWaiter } from '../change-waiter.ts';
import { ApiError } from '../errors.ts';
import { isAgentName } from '../tasks/task-id.ts';

export interface AgentDirectoryOptions {
  readonly namespace: string;
  readonly metrics?: KubeMetrics;
  readonly onError: (err: unknown) => void;
}

/** Leases are renewed every five seconds; the times shown may be this old. */
const LEASES_MAX_AGE_MS = 2000;

export function isOnline(agent: Agent): boolean {
  return agent.status?.conditions?.some(({ type, status }) => type === 'Online' && status === 'True') ?? false;
}

/** The agents of the home namespace. */
export class AgentDirectory {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #informer: Informer<Agent>;
  readonly #changes: ChangeWaiter<Agent>;
  #leases: { readAt: number; byName: Promise<ReadonlyMap<string, Lease>> } | undefined;

  constructor(client: KubeClient, { namespace, metrics, onError }: AgentDirectoryOptions) {
    this.#client = client;
    this.#namespace = namespace;
    this.#informer = new Informer(client, agents, { namespace, onError, ...(metrics && { metrics }) });
    this.#changes = new ChangeWaiter(this.#informer);
  }

  get hasSynced(): boolean {
    return this.#informer.hasSynced;
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#informer.run(signal);
  }

  list(): Agent[] {
    return [...this.#informer.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  /** An agent that the informer has not seen yet is asked for at the API server. */
  async get(name: string): Promise<Agent | undefined> {
    if (!isAgentName(name)) return undefined;
    return this.#informer.get(this.#key(name)) ?? (await this.#getFresh(name));
  }

  /** Rejects with the manual's `agent not found` unless the agent is there and online, and can run the type. */
  async requireOnline(name: string, taskType: string): Promise<void> {
    let agent = isAgentName(name) ? this.#informer.get(this.#key(name)) : undefined;
    // It may have come online a moment ago.
    if (agent === undefined || !isOnline(agent)) agent = isAgentName(name) ? await this.#getFresh(name) : undefined;
    if (agent === undefined || !isOnline(agent)) throw new ApiError('AgentNotFound');
    const types = agent.status?.taskTypes;
    if (types !== undefined && !types.includes(taskType)) throw new ApiError('UnsupportedTaskType');
  }

  async setTags(name: string, tags: readonly string[]): Promise<Agent> {
    const agent = await this.#change(name, () => this.#client.patch(agents, this.#namespace, name, { spec: { tags } }));
    const generation = agent.metadata.generation ?? 0;
    await this.#changes.until(this.#key(name), (seen) => (seen?.metadata.generation ?? 0) >= generation, SETTLE_MS);
    return agent;
  }

  async delete(name: string): Promise<void> {
    await this.#change(name, () => this.#client.delete(agents, this.#namespace, name));
    const known = this.#informer.get(this.#key(name));
    if (known !== undefined)
      await this.#changes.until(this.#key(name), (seen) => seen?.metadata.uid !== known.metadata.uid, SETTLE_MS);
  }

  /** When each agent last renewed its Lease, by the agent's name. */
  async lastSeen(): Promise<ReadonlyMap<string, Lease>> {
    const now = performance.now();
    if (this.#leases === undefined || now - this.#leases.readAt > LEASES_MAX_AGE_MS) {
      const byName = this.#readLeases();
      this.#leases = { readAt: now, byName };
      byName.catch(() => (this.#leases = undefined));
    }
    return this.#leases.byName;
  }

  async #readLeases(): Promise<ReadonlyMap<string, Lease>> {
    const { items } = await this.#client.list(leases, this.#namespace);
    return new Map((items ?? []).map((lease) => [lease.metadata.name, lease]));
  }

  async #getFresh(name: string): Promise<Agent | undefined> {
    try {
      return await this.#client.get(agents, this.#namespace, name);
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }

  async #change<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (!isAgentName(name)) throw new ApiError('AgentNotFound');
    try {
      return await work();
    } catch (err) {
      throw isNotFound(err) ? new ApiError('AgentNotFound') : err;
    }
  }

  #key(name: string): string {
    return `${this.#namespace}/${name}`;
  }
}

/** How long an answer waits for the informer to see the change, so that the next read shows it. */
const SETTLE_MS = 1000;
