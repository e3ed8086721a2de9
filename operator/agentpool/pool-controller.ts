import type { KubeClient } from '../../kube/client.ts';
import { findCondition } from '../../kube/conditions.ts';
import { runController } from '../../kube/controller.ts';
import type { Result } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/event-recorder.ts';
import type { Informer } from '../../kube/informer.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import { agentPools } from '../../kube/resource.ts';
import type { AgentPool } from '../../kube/types/agentpool.ts';
import { WorkQueue } from '../../kube/work-queue.ts';
import { StaleVersions } from '../stale-versions.ts';
import type { Pod, Workload } from './kinds.ts';
import type { PoolSettings } from './pool-settings.ts';
import { saysAlready, stalledStatus, statusOf } from './pool-status.ts';
import type { PoolStatusPatch, Stall } from './pool-status.ts';
import { render } from './render.ts';
import type { Rendered } from './render.ts';
import { rolloutOf } from './rollout.ts';
import { WorkloadStalled, WorkloadWriter } from './workload-writer.ts';

export interface PoolControllerOptions {
  readonly client: KubeClient;
  readonly pools: Informer<AgentPool>;
  /** Whether the caches of the namespace are complete. */
  readonly isSynced: (namespace: string) => boolean;
  /** The workload of a pool as it was seen last. */
  readonly workload: (pool: AgentPool, namespace: string) => Workload | undefined;
  /** The pods of a pool. */
  readonly pods: (pool: string, namespace: string) => readonly Pod[];
  readonly homeNamespace: string;
  readonly settings: PoolSettings;
  readonly recorder: EventRecorder;
  readonly onError: (key: string, err: unknown) => void;
  readonly metrics: KubeMetrics;
}

/** What was written last of a pool, so that it is written again only when it, or what is there, has changed. */
interface Applied {
  readonly digest: string;
  readonly workload: Workload;
  /** The ConfigMaps of before have been deleted. */
  readonly isPruned: boolean;
}

/** Holds a pool whose workload is in another namespace until that is gone: owner references cannot say so. */
export const POOL_FINALIZER = 'tiangong.io/agentpool';

const WORKERS = 2;
const CACHES_MS = 20_000;
const CACHES_LOOK_MS = 200;
/** What stands in the way may be gone without a word to us. */
const STALLED_RETRY_MS = 30_000;
const DELETED_LOOK_MS = 1000;
/** After that a pool is let go though its workload may be left: a namespace must not hang. */
const DELETION_DEADLINE_MS = 60_000;

/** Keeps a DaemonSet or a Deployment for every AgentPool. */
export class PoolController {
  readonly #options: PoolControllerOptions;
  readonly #queue = new WorkQueue();
  readonly #stale = new StaleVersions();
  readonly #writer: WorkloadWriter;
  readonly #applied = new Map<string, Applied>();
  #startedAt = performance.now();

  constructor(options: PoolControllerOptions) {
    this.#options = options;
    this.#writer = new WorkloadWriter(options.client);
    options.pools.onChange((key, pool) => {
      this.#stale.observe(key, pool);
      if (pool === undefined) this.#applied.delete(key);
      this.#queue.add(key);
    });
  }

  /** Has the pool looked at, as its workload or its pods have changed. `isGone`: the workload was deleted. */
  wake(pool: string, isGone = false): void {
    const key = `${this.#options.homeNamespace}/${pool}`;
    if (isGone) this.#applied.delete(key);
    this.#queue.add(key);
  }

  /** Has every pool written again, whatever is known of it. */
  wakeAll(): void {
    this.#applied.clear();
    for (const key of this.#options.pools.keys()) this.#queue.add(key);
  }

  /** Call it when all informers have synced. Ends when the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    this.#startedAt = performance.now();
    const { onError, metrics } = this.#options;
    const reconcile = (key: string, run: AbortSignal): Promise<Result> => this.#reconcile(key, run);
    return runController(
      { name: 'agentpool', queue: this.#queue, reconcile, workers: WORKERS, onError, metrics },
      signal,
    );
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const { pools, settings, homeNamespace } = this.#options;
    const pool = pools.get(key);
    if (pool === undefined || this.#stale.has(key, pool)) return {};
    if (pool.metadata.deletionTimestamp !== undefined) return this.#release(key, pool, signal);
    const namespace = this.#namespaceOf(pool);
    if (namespace === undefined) {
      const message =
        'this installation has no namespace for agents with access to their nodes; the chart makes one with agents.hostAccess.enabled';
      return this.#stall(key, pool, { reason: 'HostAccessNotEnabled', message }, signal);
    }
    if (namespace !== homeNamespace && !(pool.metadata.finalizers ?? []).includes(POOL_FINALIZER)) {
      await this.#setFinalizers(key, pool, [...(pool.metadata.finalizers ?? []), POOL_FINALIZER], signal);
      return {};
    }
    if (!this.#options.isSynced(namespace)) return this.#awaitCaches(key, pool, namespace, signal);
    const rendered = render(pool, namespace, homeNamespace, settings);
    try {
      const workload = await this.#keep(key, pool, rendered, signal);
      await this.#report(key, pool, statusOf(pool, workload, this.#podsOf(pool, namespace), new Date()), signal);
      await this.#prune(key, pool, rendered, workload, signal);
    } catch (err) {
      if (!(err instanceof WorkloadStalled)) throw err;
      return this.#stall(key, pool, err.stall, signal);
    }
    return {};
  }

  /** Caches are complete within moments, or there are no rights to fill them. */
  #awaitCaches(key: string, pool: AgentPool, namespace: string, signal: AbortSignal): Promise<Result> | Result {
    if (performance.now() - this.#startedAt < CACHES_MS) return { requeueAfterMs: CACHES_LOOK_MS };
    const message = `the operator cannot read what is in namespace ${namespace}: see its log, and the Roles of the chart`;
    return this.#stall(key, pool, { reason: 'NamespaceUnreadable', message }, signal);
  }

  #namespaceOf({ spec }: AgentPool): string | undefined {
    const { settings, homeNamespace } = this.#options;
    return spec.hostAccess === true ? settings.hostNamespace : homeNamespace;
  }

  #podsOf(pool: AgentPool, namespace: string): readonly Pod[] {
    return this.#options.pods(pool.metadata.name, namespace);
  }

  /** Writes the workload if it is not known to be as it should; resolves to its newest version. */
  async #keep(key: string, pool: AgentPool, rendered: Rendered, signal: AbortSignal): Promise<Workload> {
    const seen = this.#options.workload(pool, rendered.namespace);
    const applied = this.#applied.get(key);
    if (applied?.digest === rendered.digest && !isChanged(applied.workload, seen)) return newer(applied.workload, seen);
    const workload = await this.#writer.apply(pool, rendered, signal);
    this.#applied.set(key, { digest: rendered.digest, workload, isPruned: false });
    return workload;
  }

  async #prune(
    key: string,
    pool: AgentPool,
    rendered: Rendered,
    workload: Workload,
    signal: AbortSignal,
  ): Promise<void> {
    const applied = this.#applied.get(key);
    if (applied === undefined || applied.isPruned || !rolloutOf(workload, pool.spec.workload).isComplete) return;
    await this.#writer.prune(pool, rendered.namespace, rendered.configMap.metadata.name, signal);
    this.#applied.set(key, { ...applied, isPruned: true });
  }

  async #stall(key: string, pool: AgentPool, stall: Stall, signal: AbortSignal): Promise<Result> {
    this.#applied.delete(key);
    await this.#report(key, pool, stalledStatus(pool, stall, new Date()), signal);
    return { requeueAfterMs: STALLED_RETRY_MS };
  }

  async #report(key: string, pool: AgentPool, status: PoolStatusPatch, signal: AbortSignal): Promise<void> {
    if (saysAlready(pool, status)) return;
    const { client, recorder } = this.#options;
    const { namespace, name, resourceVersion } = pool.metadata;
    await this.#write(key, pool, () =>
      client.patch(
        agentPools,
        namespace,
        name,
        { metadata: { resourceVersion }, status },
        { subresource: 'status', signal },
      ),
    );
    const before = findCondition(pool.status?.conditions, 'Stalled');
    const stalled = findCondition(status.conditions ?? [], 'Stalled');
    if (stalled?.status === 'True' && (before?.status !== 'True' || before.reason !== stalled.reason))
      recorder.record(pool, 'Warning', stalled.reason, stalled.message);
  }

  /** Lets a deleted pool go when nothing is left of it. What is in its own namespace goes by its owner reference. */
  async #release(key: string, pool: AgentPool, signal: AbortSignal): Promise<Result> {
    const { deletionTimestamp = '', finalizers = [] } = pool.metadata;
    if (!finalizers.includes(POOL_FINALIZER)) return {};
    const namespace = pool.status?.workload?.namespace ?? this.#namespaceOf(pool);
    const isOverdue = Date.now() - Date.parse(deletionTimestamp) > DELETION_DEADLINE_MS;
    try {
      const isGone = namespace === undefined || (await this.#writer.delete(pool, namespace, signal));
      if (!isGone && !isOverdue) return { requeueAfterMs: DELETED_LOOK_MS };
    } catch (err) {
      if (!isOverdue) throw err;
      const message = `the workload in namespace ${namespace} could not be deleted and may be left there`;
      this.#options.recorder.record(pool, 'Warning', 'WorkloadLeft', message);
    }
    await this.#setFinalizers(
      key,
      pool,
      finalizers.filter((name) => name !== POOL_FINALIZER),
      signal,
    );
    return {};
  }

  async #setFinalizers(key: string, pool: AgentPool, wanted: readonly string[], signal: AbortSignal): Promise<void> {
    const { namespace, name, resourceVersion } = pool.metadata;
    const finalizers = wanted.length === 0 ? null : wanted;
    const patch = { metadata: { resourceVersion, finalizers } };
    await this.#write(key, pool, () => this.#options.client.patch(agentPools, namespace, name, patch, { signal }));
  }

  /** A write on the condition that the pool has not changed since. */
  async #write(key: string, pool: AgentPool, write: () => Promise<AgentPool>): Promise<void> {
    try {
      await write();
    } catch (err) {
      if (isConflict(err) || isNotFound(err)) this.#stale.add(key, pool);
      if (isNotFound(err)) return;
      throw err;
    }
    // The watch may have been faster than the answer.
    if (this.#options.pools.get(key) === pool) this.#stale.add(key, pool);
  }
}

/** The watch may be behind what we wrote. */
function newer(written: Workload, seen: Workload | undefined): Workload {
  if (seen === undefined || seen.metadata.uid !== written.metadata.uid) return written;
  return (seen.metadata.generation ?? 0) < (written.metadata.generation ?? 0) ? written : seen;
}

/** Whether somebody else has changed the workload since we wrote it. */
function isChanged({ metadata }: Workload, seen: Workload | undefined): boolean {
  if (seen === undefined) return false;
  return metadata.uid !== seen.metadata.uid || (seen.metadata.generation ?? 0) > (metadata.generation ?? 0);
}
