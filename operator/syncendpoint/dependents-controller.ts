import type { KubeClient } from '../../kube/client.ts';
import { runController } from '../../kube/controller.ts';
import { keyOf, splitKey } from '../../kube/informer.ts';
import type { Informer } from '../../kube/informer.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import type { KubeObject } from '../../kube/object.ts';
import { syncTasks } from '../../kube/resource.ts';
import type { Resource } from '../../kube/resource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { WorkQueue } from '../../kube/work-queue.ts';
import { StaleVersions } from '../stale-versions.ts';

export interface DependentsControllerOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly resource: Resource<T>;
  readonly informer: Informer<T>;
  /** With the indexes of `syncIndexes`. */
  readonly syncs: Informer<SyncTask>;
  /** By which field SyncTasks name objects of this kind; the name of an index too. */
  readonly field: 'source' | 'pusher';
  readonly onError: (key: string, err: unknown) => void;
  readonly kubeMetrics: KubeMetrics;
}

/** Holds a SyncSource or SyncPusher that is being deleted until the SyncTasks that name it are gone. */
export const DEPENDENTS_FINALIZER = 'tiangong.io/dependents';

const WORKERS = 2;

/**
 * Deletes the SyncTasks that name a SyncSource or a SyncPusher when that is deleted (the manual's cascade), and lets it go only
 * after them. Owner references cannot say this: an object of two owners goes when both are gone.
 */
export class DependentsController<T extends KubeObject> {
  readonly #options: DependentsControllerOptions<T>;
  readonly #queue = new WorkQueue();
  readonly #stale = new StaleVersions();

  constructor(options: DependentsControllerOptions<T>) {
    this.#options = options;
    options.informer.onChange((key, object) => {
      this.#stale.observe(key, object);
      this.#queue.add(key);
    });
    options.syncs.onChange((_key, sync, previous) => {
      // Only what comes and goes matters, not what a running task reports.
      if (sync !== undefined && sync.spec[options.field] === previous?.spec[options.field]) return;
      for (const one of [sync, previous])
        if (one !== undefined) this.#queue.add(`${one.metadata.namespace ?? ''}/${one.spec[options.field]}`);
    });
  }

  /** Call it when all informers have synced. Ends when the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    const { resource, onError, kubeMetrics } = this.#options;
    const reconcile = async (key: string, run: AbortSignal): Promise<object> => {
      await this.#reconcile(key, run);
      return {};
    };
    const options = { name: resource.plural, queue: this.#queue, reconcile, workers: WORKERS, onError };
    return runController({ ...options, metrics: kubeMetrics }, signal);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { informer, syncs, field } = this.#options;
    const object = informer.get(key);
    if (object === undefined || this.#stale.has(key, object)) return;
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    const isHeld = finalizers.includes(DEPENDENTS_FINALIZER);
    const dependents = syncs.byIndex(field, key);
    if (deletionTimestamp === undefined) {
      if (!isHeld && dependents.length > 0) await this.#hold(object, [...finalizers, DEPENDENTS_FINALIZER], signal);
      return;
    }
    if (!isHeld) return;
    if (dependents.length > 0) {
      await Promise.all(dependents.map((sync) => this.#delete(sync)));
      return;
    }
    if (await this.#hasDependents(key, signal)) return;
    await this.#hold(
      object,
      finalizers.filter((name) => name !== DEPENDENTS_FINALIZER),
      signal,
    );
  }

  async #hold(object: T, finalizers: readonly string[], signal: AbortSignal): Promise<void> {
    const { client, resource } = this.#options;
    const { namespace, name, resourceVersion } = object.metadata;
    const patch = { metadata: { resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers } };
    try {
      await client.patch(resource, namespace, name, patch, { signal });
    } catch (err) {
      if (isConflict(err)) this.#stale.add(keyOf(object), object);
      if (!isNotFound(err)) throw err;
    }
  }

  async #delete({ metadata }: SyncTask): Promise<void> {
    const { namespace, name, uid, deletionTimestamp } = metadata;
    if (deletionTimestamp !== undefined) return;
    try {
      await this.#options.client.delete(syncTasks, namespace, name, uid === undefined ? {} : { uid });
    } catch (err) {
      // Gone, or another one of its name: that one wakes this key by itself.
      if (!isNotFound(err) && !isConflict(err)) throw err;
    }
  }

  /** Asks the server itself: a SyncTask may have come that the informer does not show yet. */
  async #hasDependents(key: string, signal: AbortSignal): Promise<boolean> {
    const { client, field } = this.#options;
    const { namespace, name } = splitKey(key);
    const { items } = await client.list(syncTasks, namespace, {
      fieldSelector: `spec.${field}=${name}`,
      limit: 1,
      signal,
    });
    return items.length > 0;
  }
}
