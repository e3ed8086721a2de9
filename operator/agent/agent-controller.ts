import type { KubeClient } from '../../kube/client.ts';
import { runController } from '../../kube/controller.ts';
import { splitKey } from '../../kube/informer.ts';
import type { Informer } from '../../kube/informer.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import { agents } from '../../kube/resource.ts';
import type { Agent } from '../../kube/types/agent.ts';
import { WorkQueue } from '../../kube/work-queue.ts';
import type { Presence } from '../deploytask/world.ts';
import { StaleVersions } from '../stale-versions.ts';
import { onlineStatus } from './online-condition.ts';

export interface AgentControllerOptions {
  readonly client: KubeClient;
  readonly informer: Informer<Agent>;
  readonly presence: (name: string) => Presence;
  readonly onError: (key: string, err: unknown) => void;
  readonly metrics?: KubeMetrics;
}

/** A thousand agents that come at once after an outage are served in a second or so. */
const WORKERS = 4;

/** Keeps the condition Online of every Agent. */
export class AgentController {
  readonly #options: AgentControllerOptions;
  readonly #queue = new WorkQueue();
  readonly #stale = new StaleVersions();

  constructor(options: AgentControllerOptions) {
    this.#options = options;
    options.informer.onChange((key, agent) => {
      this.#stale.observe(key, agent);
      this.#queue.add(key);
    });
  }

  /** Has the Agent looked at, as its presence may have changed. */
  wake(key: string): void {
    this.#queue.add(key);
  }

  /** Call it when the informer has synced. Ends when the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    const { onError, metrics } = this.#options;
    const reconcile = (key: string, run: AbortSignal): Promise<object> => this.#reconcile(key, run);
    const options = { name: 'agent', queue: this.#queue, reconcile, workers: WORKERS, onError };
    return runController({ ...options, ...(metrics && { metrics }) }, signal);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<object> {
    const { client, informer, presence } = this.#options;
    const agent = informer.get(key);
    if (agent === undefined || this.#stale.has(key, agent)) return {};
    const { namespace, name } = splitKey(key);
    const status = onlineStatus(agent, presence(name), Date.now());
    if (status === undefined) return {};
    const { resourceVersion } = agent.metadata;
    try {
      await client.patch(
        agents,
        namespace,
        name,
        { metadata: { resourceVersion }, status },
        { subresource: 'status', signal },
      );
    } catch (err) {
      if (isConflict(err) || isNotFound(err)) this.#stale.add(key, agent);
      if (isNotFound(err)) return {};
      throw err;
    }
    this.#stale.add(key, agent);
    return {};
  }
}
