import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/event-recorder.ts';
import { Informer } from '../../kube/informer.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import { agentPools } from '../../kube/resource.ts';
import type { Resource } from '../../kube/resource.ts';
import type { Agent } from '../../kube/types/agent.ts';
import type { AgentPool } from '../../kube/types/agentpool.ts';
import type { Presence } from '../deploytask/world.ts';
import { daemonSets, deployments, pods } from './kinds.ts';
import type { Pod, Workload } from './kinds.ts';
import { PoolAgentController } from './pool-agent-controller.ts';
import { PoolController } from './pool-controller.ts';
import { POOL_LABEL } from './pool-labels.ts';
import { podIndexes, poolOf, slimPod } from './pool-pods.ts';
import type { PoolSettings } from './pool-settings.ts';

export interface AgentPoolsOptions {
  readonly client: KubeClient;
  readonly settings: PoolSettings;
  readonly homeNamespace: string;
  readonly agents: Informer<Agent>;
  readonly presence: (agent: string) => Presence;
  /** Whether tasks or syncs are assigned to the agent that have not ended. */
  readonly hasWork: (agent: string) => boolean;
  readonly recorder: EventRecorder;
  readonly onReadError: (err: unknown) => void;
  readonly onError: (key: string, err: unknown) => void;
  readonly metrics: KubeMetrics;
}

/** What the operator looks at in one of the namespaces that pods of pools run in. */
interface Watched {
  readonly workloads: Readonly<Record<'DaemonSet' | 'Deployment', Informer<Workload>>>;
  readonly pods: Informer<Pod>;
}

/** All that the operator does about AgentPools: the two controllers, and the caches that only they need. */
export class AgentPools {
  readonly #options: AgentPoolsOptions;
  readonly #poolInformer: Informer<AgentPool>;
  readonly #watched = new Map<string, Watched>();
  readonly #pools: PoolController;
  readonly #agents: PoolAgentController;

  constructor(options: AgentPoolsOptions) {
    this.#options = options;
    const { client, homeNamespace, settings, onReadError: onError, metrics } = options;
    const pools = new Informer<AgentPool>(client, agentPools, { namespace: homeNamespace, onError, metrics });
    this.#poolInformer = pools;
    for (const namespace of new Set([homeNamespace, settings.hostNamespace]))
      if (namespace !== undefined) this.#watched.set(namespace, this.#watch(namespace));
    const workload = ({ metadata, spec }: AgentPool, namespace: string): Workload | undefined =>
      this.#watched.get(namespace)?.workloads[spec.workload].get(`${namespace}/${metadata.name}`);
    this.#pools = new PoolController({
      ...{ client, pools, workload, homeNamespace, settings, metrics },
      ...{ recorder: options.recorder, onError: options.onError },
      isSynced: (namespace) => this.#isSynced(namespace),
      pods: (pool, namespace) => this.#watched.get(namespace)?.pods.byIndex('pool', pool) ?? [],
    });
    this.#agents = new PoolAgentController({
      ...{ client, pools, homeNamespace, metrics },
      ...{ agents: options.agents, presence: options.presence, hasWork: options.hasWork, onError: options.onError },
      podPools: (agent) => this.#podPools(agent),
      hasPodNow: (agent, pool, signal) => this.#hasPodNow(agent, pool, signal),
    });
  }

  /** Has what depends on the presence of an agent looked at. */
  wake(agent: string): void {
    this.#agents.wake(agent);
  }

  wakeAll(): void {
    this.#pools.wakeAll();
  }

  /**
   * Call it when the informers that were given have synced. Ends when the signal aborts. What cannot be read, such as a namespace
   * without rights, holds up only the pools that it is about.
   */
  async run(signal: AbortSignal): Promise<void> {
    const watched = [...this.#watched.values()].flatMap((one) => [...Object.values(one.workloads), one.pods]);
    const work = [this.#poolInformer, ...watched].map((informer) => informer.run(signal));
    await Promise.race([this.#poolInformer.synced, Promise.all(work)]);
    if (!signal.aborted) work.push(this.#pools.run(signal), this.#agents.run(signal));
    await Promise.all(work);
  }

  #isSynced(namespace: string): boolean {
    const watched = this.#watched.get(namespace);
    return watched !== undefined && [...Object.values(watched.workloads), watched.pods].every((one) => one.hasSynced);
  }

  /** Undefined: none was seen, but not every namespace could be looked into yet. */
  #podPools(agent: string): readonly string[] | undefined {
    const caches = [...this.#watched.values()].map((one) => one.pods);
    const found = caches.flatMap((cache) => cache.byIndex('agent', agent));
    if (found.length > 0) return found.map(poolOf);
    return caches.every((cache) => cache.hasSynced) ? [] : undefined;
  }

  #watch(namespace: string): Watched {
    const { client, onReadError: onError, metrics } = this.#options;
    const common = { namespace, labelSelector: POOL_LABEL, onError, metrics };
    const workloads = (resource: Resource<Workload>): Informer<Workload> => {
      const informer = new Informer(client, resource, common);
      informer.onChange((_key, workload, previous) => {
        const { name } = (workload ?? previous)?.metadata ?? {};
        if (name !== undefined) this.#pools.wake(name, workload === undefined);
      });
      return informer;
    };
    const podInformer = new Informer(client, pods, { ...common, transform: slimPod, indexes: podIndexes });
    podInformer.onChange((_key, pod, previous) => {
      for (const one of [pod, previous]) {
        if (one === undefined) continue;
        this.#pools.wake(one.metadata.labels?.[POOL_LABEL] ?? '');
        for (const agent of podIndexes.agent(one)) this.#agents.wake(agent);
      }
    });
    return { workloads: { DaemonSet: workloads(daemonSets), Deployment: workloads(deployments) }, pods: podInformer };
  }

  async #hasPodNow(agent: string, pool: string, signal: AbortSignal): Promise<boolean> {
    const labelSelector = `${POOL_LABEL}=${pool}`;
    for (const namespace of this.#watched.keys()) {
      let next: string | undefined;
      do {
        const query = { labelSelector, limit: 500, ...(next && { continue: next }), signal };
        const page = await this.#options.client.list(pods, namespace, query);
        if ((page.items ?? []).some((pod) => podIndexes.agent(pod).includes(agent))) return true;
        next = page.metadata.continue;
      } while (next);
    }
    return false;
  }
}
