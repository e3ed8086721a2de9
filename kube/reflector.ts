import { backoffMs, retryAfterMs, sleep } from './backoff.ts';
import type { BackoffOptions } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { KubeError, isForbidden, isGone } from './kube-error.ts';
import type { InformerMetrics } from './metrics.ts';
import type { KubeObject } from './object.ts';
import { keyOf } from './object-key.ts';
import { RefusedNamespaceError } from './refused-namespace-error.ts';
import type { Resource } from './resource.ts';

/** The copy that a reflector keeps. */
export interface ReflectedCopy<T extends KubeObject> {
  /** The keys of the objects of the reflector's scope, as they are at this moment. */
  keys(): readonly string[];
  /** Stores an object and returns its key. */
  put(object: T): string;
  remove(key: string): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly resource: Resource<T>;
  /** All unless set. */
  readonly namespace: string | undefined;
  readonly selectors: { readonly labelSelector?: string; readonly fieldSelector?: string };
  readonly pageSize: number;
  readonly backoff: BackoffOptions;
  readonly refusal: RefusalTimes;
  readonly copy: ReflectedCopy<T>;
  /** Called when `hasListed` or `isRefused` may have changed. */
  readonly onProgress: () => void;
  /** Whether what may not be read any more is to be dropped: not when nothing may be read, which is an outage. */
  readonly mayForget: () => boolean;
  readonly onError: (err: unknown) => void;
}

/** A connection that held this long shows that the server is well again. */
const HEALTHY_MS = 60_000;

/** A watch that the server closes sooner than this was refused rather than served. */
const SERVED_MS = 1000;

/** What a missing right to read leads to, and when, in milliseconds. */
export interface RefusalTimes {
  /** Rights that an installation is still granting arrive within this time. */
  readonly graceMs: number;
  /** What may not be read for this long is not known any more: a namespace that is deleted takes its RoleBindings along. */
  readonly forgottenMs: number;
  /** It stays so until somebody grants it: said again only this often. */
  readonly toldEveryMs: number;
}

export const REFUSAL_TIMES: RefusalTimes = { graceMs: 5000, forgottenMs: 120_000, toldEveryMs: 60_000 };

/** Makes a copy of the objects of one resource in one namespace, or in all, and follows their changes. */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  #hasListed = false;
  #lastContactAt = -Infinity;
  /** Where the next watch goes on; undefined: list first. */
  #resourceVersion: string | undefined;
  #refusedSince: number | undefined;
  #isRefused = false;
  #refusalToldAt = -Infinity;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  /** Whether the copy has been complete once. */
  get hasListed(): boolean {
    return this.#hasListed;
  }

  /** Whether the right to read has been missing for longer than it takes to grant it. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** As `Informer.lastContactAt`. */
  get lastContactAt(): number {
    return this.#lastContactAt;
  }

  /** Lists and watches until the signal aborts, whatever the server does. Never rejects. Call it once. */
  async run(signal: AbortSignal, metrics: InformerMetrics | undefined): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      let failure: unknown;
      try {
        if (this.#resourceVersion === undefined) await this.#relist(signal, metrics);
        else metrics?.reconnected();
        await this.#watch(signal);
        this.#allowed();
      } catch (err) {
        if (signal.aborted) break;
        failure = err;
        if (isLostPosition(err)) this.#resourceVersion = undefined;
        if (isForbidden(err)) this.#refused(err);
        else this.#options.onError(err);
      }
      const lasted = performance.now() - startedAt;
      failures = lasted >= HEALTHY_MS ? 0 : failures + 1;
      await sleep(this.#pauseMs(failures, lasted, failure), signal);
    }
  }

  /** A list or watch that was served for a while is not followed by a pause that is longer than that while. */
  #pauseMs(failures: number, lasted: number, failure: unknown): number {
    if (failures === 0 && failure === undefined) return 0;
    // The list that a lost position calls for must not wait, unless it does not help.
    if (failures <= 1 && isLostPosition(failure)) return 0;
    const pause = backoffMs(Math.max(1, failures), this.#options.backoff);
    return Math.max(lasted < SERVED_MS ? pause : Math.min(pause, lasted), retryAfterMs(failure));
  }

  async #relist(signal: AbortSignal, metrics: InformerMetrics | undefined): Promise<void> {
    const { copy, resource, onProgress } = this.#options;
    const askedAt = performance.now();
    metrics?.relisted();
    let listed = await this.#list(signal);
    // The server forgot the version that the pages were read at. Once may happen; a server that cannot keep up gets a pause.
    listed ??= await this.#list(signal);
    if (listed === undefined) throw new Error(`listing ${resource.plural}: the position of the pages expired twice`);
    for (const key of copy.keys()) if (!listed.keys.has(key)) copy.remove(key);
    this.#resourceVersion = listed.resourceVersion;
    this.#lastContactAt = askedAt;
    this.#hasListed = true;
    this.#allowed();
    onProgress();
  }

  /** Stores what the pages hold as they come. Resolves to undefined when the position of a page has expired. */
  async #list(signal: AbortSignal): Promise<{ keys: Set<string>; resourceVersion: string } | undefined> {
    const { client, resource, namespace, selectors, pageSize, copy } = this.#options;
    const keys = new Set<string>();
    let position: string | undefined;
    for (;;) {
      const query = { ...selectors, limit: pageSize, ...(position && { continue: position }), signal };
      try {
        const page = await client.list(resource, namespace, query);
        // Go's JSON has null for an empty list.
        for (const object of page.items ?? []) keys.add(copy.put(object));
        position = page.metadata.continue;
        if (!position) return { keys, resourceVersion: page.metadata.resourceVersion };
      } catch (err) {
        if (position !== undefined && isGone(err)) return undefined;
        throw err;
      }
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, resource, namespace, selectors, copy } = this.#options;
    const options = {
      ...selectors,
      resourceVersion: this.#resourceVersion ?? '',
      // Drawn, so that the informers of many programs do not come back together.
      timeoutSeconds: 240 + Math.floor(Math.random() * 120),
      signal,
    };
    for await (const event of client.watch(resource, namespace, options)) {
      if (event.type === 'ERROR') {
        const { code = 500 } = event.object;
        throw new KubeError(code, event.object, `watch of ${resource.plural}`);
      }
      if (event.type === 'DELETED') copy.remove(keyOf(event.object));
      else if (event.type !== 'BOOKMARK') copy.put(event.object);
      this.#resourceVersion = event.object.metadata.resourceVersion;
      this.#lastContactAt = performance.now();
      this.#allowed();
    }
  }

  #allowed(): void {
    this.#refusedSince = undefined;
    this.#isRefused = false;
  }

  #refused(err: unknown): void {
    const { resource, namespace, copy, refusal, onError, onProgress, mayForget } = this.#options;
    const now = performance.now();
    this.#refusedSince ??= now;
    if (now - this.#refusalToldAt >= refusal.toldEveryMs) {
      this.#refusalToldAt = now;
      onError(new RefusedNamespaceError(resource, namespace, err));
    }
    const refusedFor = now - this.#refusedSince;
    if (refusedFor >= refusal.forgottenMs && mayForget()) {
      this.#resourceVersion = undefined;
      for (const key of copy.keys()) copy.remove(key);
    }
    if (this.#isRefused || refusedFor < refusal.graceMs) return;
    this.#isRefused = true;
    onProgress();
  }
}

/** Watching on from this position can never work again: too old, unreadable, or of a server whose data was replaced. */
function isLostPosition(err: unknown): boolean {
  if (!(err instanceof KubeError)) return false;
  const causes = err.status.details?.causes ?? [];
  return err.code === 410 || err.code === 400 || causes.some(({ reason }) => reason === 'ResourceVersionTooLarge');
}
