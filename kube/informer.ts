import type { KubeClient } from './client.ts';
import type { KubeMetrics } from './metrics.ts';
import type { KubeObject, ObjectMeta } from './object.ts';
import { keyOf } from './object-key.ts';
import { ObjectStore } from './object-store.ts';
import type { Indexes } from './object-store.ts';
import { REFUSAL_TIMES, Reflector } from './reflector.ts';
import type { RefusalTimes } from './reflector.ts';
import type { Resource } from './resource.ts';

export { keyOf, splitKey } from './object-key.ts';

export interface InformerOptions<T extends KubeObject> {
  /** The namespace to watch, or several; all unless set. */
  readonly namespace?: string | readonly string[];
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** How many objects a page of a list holds at most; 500 unless set. */
  readonly pageSize?: number;
  /** Runs on every object that arrives, before it is stored. May change it, to drop what is never read. */
  readonly transform?: (object: T) => T;
  /** Functions that give the values an object is found under by `byIndex`. */
  readonly indexes?: Indexes<T>;
  /** Told of every failed list and watch, which are tried again, and of what transforms, indexes and listeners throw. */
  readonly onError?: (err: unknown) => void;
  /** The longest first wait after a failure; 500 ms unless set. */
  readonly minBackoffMs?: number;
  /** The longest wait of all after a failure; 30 s unless set. */
  readonly maxBackoffMs?: number;
  readonly refusal?: RefusalTimes;
  readonly metrics?: KubeMetrics;
}

/** `object` undefined: it is gone. `previous` undefined: it is new. */
export type ChangeListener<T> = (key: string, object: T | undefined, previous: T | undefined) => void;

/**
 * Keeps a copy of the objects of one resource, follows their changes, and tells listeners of each. The copy may lag
 * behind the server, so whatever is decided on it must be written conditionally. Its objects are shared: never change
 * them.
 */
export class Informer<T extends KubeObject> {
  /**
   * Resolves once the copy is complete. Of several namespaces those count as complete that the server has refused for
   * some seconds, when it lets at least one be read. Stays pending when `run` ends before that.
   */
  readonly synced: Promise<void>;
  readonly #resource: Resource<T>;
  readonly #options: InformerOptions<T>;
  readonly #reflectors: readonly Reflector<T>[];
  readonly #apiVersion: string;
  readonly #store: ObjectStore<T>;
  readonly #listeners = new Set<ChangeListener<T>>();
  readonly #markSynced: () => void;
  #hasSynced = false;

  constructor(client: KubeClient, resource: Resource<T>, options: InformerOptions<T> = {}) {
    this.#resource = resource;
    this.#options = options;
    this.#apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
    this.#store = new ObjectStore(options.indexes ?? {}, (err) => this.#report(err));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.synced = promise;
    this.#markSynced = resolve;
    const { namespace } = options;
    const scopes = typeof namespace === 'object' ? [...new Set(namespace)] : [namespace];
    if (scopes.length === 0) throw new RangeError(`no namespace to watch ${resource.plural} in`);
    this.#reflectors = scopes.map((scope) => this.#reflector(client, scope));
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /**
   * When the server was last heard of, by performance.now(); -Infinity before the first list. A list counts from when
   * it was asked for. A quiet watch is heard of once a minute, by a bookmark. Of several namespaces the one counts that
   * was not heard of for longest.
   */
  get lastContactAt(): number {
    return Math.min(...this.#reflectors.map(({ lastContactAt }) => lastContactAt));
  }

  get size(): number {
    return this.#store.size;
  }

  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#store.keys();
  }

  values(): IterableIterator<T> {
    return this.#store.values();
  }

  /** The objects under a value of an index, in no particular order. Throws when there is no such index. */
  byIndex(index: string, value: string): readonly T[] {
    return this.#store.byIndex(index, value);
  }

  /** Called after the copy changed. Returns the function that ends the calls. */
  onChange(listener: ChangeListener<T>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Lists and watches until the signal aborts, whatever the server does. Never rejects. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    const metrics = this.#options.metrics?.informer(this.#resource.plural, () => this.#ageSeconds());
    await Promise.all(this.#reflectors.map((reflector) => reflector.run(signal, metrics)));
    metrics?.stop();
  }

  #reflector(client: KubeClient, namespace: string | undefined): Reflector<T> {
    const { labelSelector, fieldSelector, pageSize = 500, minBackoffMs = 500, maxBackoffMs = 30_000 } = this.#options;
    const { refusal = REFUSAL_TIMES } = this.#options;
    const store = this.#store;
    return new Reflector({
      ...{ client, resource: this.#resource, namespace, pageSize, refusal },
      selectors: { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) },
      backoff: { minMs: minBackoffMs, maxMs: maxBackoffMs },
      copy: {
        keys: () => [...store.keys()].filter((key) => namespace === undefined || key.startsWith(`${namespace}/`)),
        put: (object) => this.#put(object),
        remove: (key) => this.#remove(key),
      },
      onProgress: () => this.#settle(),
      mayForget: () => this.#reflectors.some(({ isRefused }) => !isRefused),
      onError: (err) => this.#report(err),
    });
  }

  #settle(): void {
    const reflectors = this.#reflectors;
    if (!reflectors.every(({ hasListed, isRefused }) => hasListed || isRefused)) return;
    if (!reflectors.some(({ hasListed }) => hasListed)) return;
    this.#hasSynced = true;
    this.#markSynced();
  }

  /** Returns the object's key. */
  #put(arrived: T): string {
    const key = keyOf(arrived);
    const previous = this.#store.get(key);
    if (previous !== undefined && previous.metadata.resourceVersion === arrived.metadata.resourceVersion) return key;
    const object = this.#prepare(arrived);
    this.#store.set(key, object);
    this.#tell(key, object, previous);
    return key;
  }

  #remove(key: string): void {
    const previous = this.#store.get(key);
    if (previous === undefined) return;
    this.#store.delete(key);
    this.#tell(key, undefined, previous);
  }

  #prepare(object: T): T {
    const metadata: ObjectMeta & { managedFields?: unknown } = object.metadata;
    // Not deleted: that would turn the object into a slow dictionary.
    if (metadata.managedFields !== undefined) metadata.managedFields = undefined;
    // Items of lists of built-in kinds come without.
    object.apiVersion ??= this.#apiVersion;
    object.kind ??= this.#resource.kind;
    try {
      return this.#options.transform?.(object) ?? object;
    } catch (err) {
      this.#report(err);
      return object;
    }
  }

  #tell(key: string, object: T | undefined, previous: T | undefined): void {
    for (const listener of this.#listeners) {
      try {
        listener(key, object, previous);
      } catch (err) {
        this.#report(err);
      }
    }
  }

  #report(err: unknown): void {
    try {
      this.#options.onError?.(err);
    } catch {
      // A failure to log must not end the watch.
    }
  }

  #ageSeconds(): number {
    return (performance.now() - this.lastContactAt) / 1000;
  }
}
