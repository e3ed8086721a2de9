import { backoffMs, retryAfterMs, sleep } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { KubeError, isGone } from './kube-error.ts';
import type { InformerMetrics, KubeMetrics } from './metrics.ts';
import type { KubeObject, ObjectMeta } from './object.ts';
import { keyOf } from './object-key.ts';
import { ObjectStore } from './object-store.ts';
import type { Indexes } from './object-store.ts';
import type { Resource } from './resource.ts';

export { keyOf, splitKey } from './object-key.ts';

export interface InformerOptions<T extends KubeObject> {
  /** The namespace to watch; all unless set. */
  readonly namespace?: string;
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
  readonly metrics?: KubeMetrics;
}

/** `object` undefined: it is gone. `previous` undefined: it is new. */
export type ChangeListener<T> = (key: string, object: T | undefined, previous: T | undefined) => void;

/** A connection that held this long shows that the server is well again. */
const HEALTHY_MS = 60_000;

/** A watch that the server closes sooner than this was refused rather than served. */
const SERVED_MS = 1000;

/**
 * Keeps a copy of the objects of one resource, follows their changes, and tells listeners of each. The copy may lag
 * behind the server, so whatever is decided on it must be written conditionally. Its objects are shared: never change
 * them.
 */
export class Informer<T extends KubeObject> {
  /** Resolves once the copy is complete. Stays pending when `run` ends before that. */
  readonly synced: Promise<void>;
  readonly #client: KubeClient;
  readonly #resource: Resource<T>;
  readonly #options: InformerOptions<T>;
  readonly #backoff: { minMs: number; maxMs: number };
  readonly #apiVersion: string;
  readonly #store: ObjectStore<T>;
  readonly #listeners = new Set<ChangeListener<T>>();
  readonly #markSynced: () => void;
  #hasSynced = false;
  #lastContactAt = -Infinity;
  /** Where the next watch goes on; undefined: list first. */
  #resourceVersion: string | undefined;

  constructor(client: KubeClient, resource: Resource<T>, options: InformerOptions<T> = {}) {
    this.#client = client;
    this.#resource = resource;
    this.#options = options;
    this.#backoff = { minMs: options.minBackoffMs ?? 500, maxMs: options.maxBackoffMs ?? 30_000 };
    this.#apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
    this.#store = new ObjectStore(options.indexes ?? {}, (err) => this.#report(err));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.synced = promise;
    this.#markSynced = resolve;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /**
   * When the server was last heard of, by performance.now(); -Infinity before the first list. A list counts from when
   * it was asked for. A quiet watch is heard of once a minute, by a bookmark.
   */
  get lastContactAt(): number {
    return this.#lastContactAt;
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
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      let failure: unknown;
      try {
        if (this.#resourceVersion === undefined) await this.#relist(signal, metrics);
        else metrics?.reconnected();
        await this.#watch(signal);
      } catch (err) {
        if (signal.aborted) break;
        failure = err;
        if (isLostPosition(err)) this.#resourceVersion = undefined;
        this.#report(err);
      }
      const lasted = performance.now() - startedAt;
      failures = lasted >= HEALTHY_MS ? 0 : failures + 1;
      await sleep(this.#pauseMs(failures, lasted, failure), signal);
    }
    metrics?.stop();
  }

  /** A list or watch that was served for a while is not followed by a pause that is longer than that while. */
  #pauseMs(failures: number, lasted: number, failure: unknown): number {
    if (failures === 0 && failure === undefined) return 0;
    // The list that a lost position calls for must not wait, unless it does not help.
    if (failures <= 1 && isLostPosition(failure)) return 0;
    const pause = backoffMs(Math.max(1, failures), this.#backoff);
    return Math.max(lasted < SERVED_MS ? pause : Math.min(pause, lasted), retryAfterMs(failure));
  }

  async #relist(signal: AbortSignal, metrics: InformerMetrics | undefined): Promise<void> {
    const askedAt = performance.now();
    metrics?.relisted();
    let listed = await this.#list(signal);
    // The server forgot the version that the pages were read at. Once may happen; a server that cannot keep up gets a pause.
    listed ??= await this.#list(signal);
    if (listed === undefined)
      throw new Error(`listing ${this.#resource.plural}: the position of the pages expired twice`);
    for (const key of [...this.#store.keys()]) if (!listed.keys.has(key)) this.#remove(key);
    this.#resourceVersion = listed.resourceVersion;
    this.#lastContactAt = askedAt;
    this.#hasSynced = true;
    this.#markSynced();
  }

  /** Stores what the pages hold as they come. Resolves to undefined when the position of a page has expired. */
  async #list(signal: AbortSignal): Promise<{ keys: Set<string>; resourceVersion: string } | undefined> {
    const { namespace, pageSize = 500 } = this.#options;
    const keys = new Set<string>();
    let position: string | undefined;
    for (;;) {
      const query = { ...this.#selectors(), limit: pageSize, ...(position && { continue: position }), signal };
      try {
        const page = await this.#client.list(this.#resource, namespace, query);
        // Go's JSON has null for an empty list.
        for (const object of page.items ?? []) keys.add(this.#put(object));
        position = page.metadata.continue;
        if (!position) return { keys, resourceVersion: page.metadata.resourceVersion };
      } catch (err) {
        if (position !== undefined && isGone(err)) return undefined;
        throw err;
      }
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const options = {
      ...this.#selectors(),
      resourceVersion: this.#resourceVersion ?? '',
      // Drawn, so that the informers of many programs do not come back together.
      timeoutSeconds: 240 + Math.floor(Math.random() * 120),
      signal,
    };
    for await (const event of this.#client.watch(this.#resource, this.#options.namespace, options)) {
      if (event.type === 'ERROR') {
        const { code = 500 } = event.object;
        throw new KubeError(code, event.object, `watch of ${this.#resource.plural}`);
      }
      if (event.type === 'DELETED') this.#remove(keyOf(event.object));
      else if (event.type !== 'BOOKMARK') this.#put(event.object);
      this.#resourceVersion = event.object.metadata.resourceVersion;
      this.#lastContactAt = performance.now();
    }
  }

  #selectors(): { labelSelector?: string; fieldSelector?: string } {
    const { labelSelector, fieldSelector } = this.#options;
    return { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
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
    return (performance.now() - this.#lastContactAt) / 1000;
  }
}

/** Watching on from this position can never work again: too old, unreadable, or of a server whose data was replaced. */
function isLostPosition(err: unknown): boolean {
  if (!(err instanceof KubeError)) return false;
  const causes = err.status.details?.causes ?? [];
  return err.code === 410 || err.code === 400 || causes.some(({ reason }) => reason === 'ResourceVersionTooLarge');
}
