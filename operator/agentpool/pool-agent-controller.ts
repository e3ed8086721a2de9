import type { KubeClient } from '../../kube/client.ts';
import { runController } from '../../kube/controller.ts';
import type { Result } from '../../kube/controller.ts';
import { keyOf, splitKey } from '../../kube/informer.ts';
import type { Informer } from '../../kube/informer.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import { agents, leases } from '../../kube/resource.ts';
import type { Agent } from '../../kube/types/agent.ts';
import type { AgentPool } from '../../kube/types/agentpool.ts';
import { WorkQueue } from '../../kube/work-queue.ts';
import type { Presence } from '../deploytask/world.ts';
import { StaleVersions } from '../stale-versions.ts';
import { decidePoolAgent } from './pool-agent.ts';
import { POOL_LABEL } from './pool-labels.ts';

export interface PoolAgentControllerOptions {
  readonly client: KubeClient;
  readonly agents: Informer<Agent>;
  readonly pools: Informer<AgentPool>;
  readonly homeNamespace: string;
  readonly presence: (agent: string) => Presence;
  /** Whether tasks or syncs are assigned to the agent that have not ended. */
  readonly hasWork: (agent: string) => boolean;
  /** The pools of pods that are, or will be, the agent, as the caches show them; undefined: they are not complete yet. */
  readonly podPools: (agent: string) => readonly string[] | undefined;
  /** The same, asked of the server. */
  readonly hasPodNow: (agent: string, pool: string, signal: AbortSignal) => Promise<boolean>;
  readonly onError: (key: string, err: unknown) => void;
  readonly metrics: KubeMetrics;
}

const WORKERS = 2;
const UNSYNCED_LOOK_MS = 5000;

/** Gives the Agents of pools what their pool says of them, and deletes those whose pod is gone for good. */
export class PoolAgentController {
  readonly #options: PoolAgentControllerOptions;
  readonly #queue = new WorkQueue();
  readonly #stale = new StaleVersions();
  /** Since when there has been no pod for an agent, by performance.now(). */
  readonly #podlessSince = new Map<string, number>();

  constructor(options: PoolAgentControllerOptions) {
    this.#options = options;
    options.agents.onChange((key, agent) => {
      this.#stale.observe(key, agent);
      if (agent === undefined) this.#podlessSince.delete(key);
      else this.#queue.add(key);
    });
    options.pools.onChange((_key, pool, previous) => {
      const name = (pool ?? previous)?.metadata.name;
      for (const agent of options.agents.values())
        if (name !== undefined && this.#mayBeOf(agent, name)) this.#queue.add(keyOf(agent));
    });
  }

  /** Has the agent looked at, as its pod or its presence has changed. */
  wake(agent: string): void {
    this.#queue.add(`${this.#options.homeNamespace}/${agent}`);
  }

  /** Call it when all informers have synced. Ends when the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    const { onError, metrics } = this.#options;
    const reconcile = (key: string, run: AbortSignal): Promise<Result> => this.#reconcile(key, run);
    return runController(
      { name: 'pool-agent', queue: this.#queue, reconcile, workers: WORKERS, onError, metrics },
      signal,
    );
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const agent = this.#options.agents.get(key);
    if (agent === undefined || this.#stale.has(key, agent)) return {};
    const { presence, hasWork, pools, podPools, hasPodNow, homeNamespace } = this.#options;
    const { name } = splitKey(key);
    const said = agent.metadata.labels?.[POOL_LABEL];
    const ofPods = podPools(name);
    if (ofPods === undefined) return said === undefined ? {} : { requeueAfterMs: UNSYNCED_LOOK_MS };
    const isThere = ofPods.length > 0;
    // Agents write their own labels: what one says counts only where its pod does not say otherwise.
    const poolName = said === undefined || (isThere && !ofPods.includes(said)) ? ofPods[0] : said;
    if (poolName === undefined) return {};
    const decision = decidePoolAgent(agent, {
      pool: pools.get(`${homeNamespace}/${poolName}`),
      hasPod: isThere,
      podlessMs: this.#podlessMs(key, isThere),
      presence: presence(name),
      hasWork: hasWork(name),
    });
    if (decision.do === 'wait') return decision.forMs === undefined ? {} : { requeueAfterMs: decision.forMs };
    try {
      if (decision.do === 'spec') await this.#setSpec(agent, decision.spec, signal);
      else if (!(await hasPodNow(name, poolName, signal))) await this.#delete(agent);
    } catch (err) {
      if (isConflict(err) || isNotFound(err)) this.#stale.add(key, agent);
      if (isNotFound(err)) return {};
      throw err;
    }
    return {};
  }

  #mayBeOf({ metadata: { name, labels } }: Agent, pool: string): boolean {
    return labels?.[POOL_LABEL] === pool || this.#options.podPools(name)?.includes(pool) === true;
  }

  #podlessMs(key: string, hasPod: boolean): number {
    if (hasPod) this.#podlessSince.delete(key);
    else if (!this.#podlessSince.has(key)) this.#podlessSince.set(key, performance.now());
    const since = this.#podlessSince.get(key);
    return since === undefined ? 0 : performance.now() - since;
  }

  async #setSpec({ metadata }: Agent, spec: object, signal: AbortSignal): Promise<void> {
    const { namespace, name, resourceVersion } = metadata;
    await this.#options.client.patch(agents, namespace, name, { metadata: { resourceVersion }, spec }, { signal });
  }

  /** The Lease first: without its Agent nobody would find it. */
  async #delete({ metadata }: Agent): Promise<void> {
    const { client } = this.#options;
    const { namespace, name, uid, resourceVersion } = metadata;
    await client.delete(leases, namespace, name).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
    });
    await client.delete(agents, namespace, name, {
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    });
  }
}
