import { mkdirSync } from 'node:fs';
import type { Logger } from 'pino';
import type { KubeTransport } from '../../kube/transport.ts';
import { Authorizer } from './auth/authorizer.ts';
import { TokenAuthenticator } from './auth/token-authenticator.ts';
import type { KnownToken } from './auth/token-authenticator.ts';
import type { User } from './auth/user.ts';
import { builtinDefinitions } from './builtin/builtin-definitions.ts';
import { CrdController } from './controllers/crd-controller.ts';
import { EventExpiry } from './controllers/event-expiry.ts';
import { GarbageCollector } from './controllers/garbage-collector.ts';
import { NamespaceController } from './controllers/namespace-controller.ts';
import { HttpListener } from './http/http-listener.ts';
import type { ListenOptions } from './http/http-listener.ts';
import { InProcessTransport } from './http/in-process-transport.ts';
import { NonResourceHandler } from './http/non-resource-paths.ts';
import { RequestHandler } from './http/request-handler.ts';
import { RequestMetrics } from './http/request-metrics.ts';
import { Registry } from './registry.ts';
import { ObjectStore } from './storage/object-store.ts';
import type { ObjectStoreOptions } from './storage/object-store.ts';
import type { ApiContext } from './verbs/api-context.ts';
import { WriteCore } from './verbs/write-core.ts';
import { WatchHub } from './watch/watch-hub.ts';

export type { User } from './auth/user.ts';

export interface EmbeddedServerOptions {
  /** Where everything is kept. One server at a time may have it. */
  readonly dataDir: string;
  /** Who the bearer of which token is. */
  readonly tokens: ReadonlyMap<string, User>;
  /** CustomResourceDefinitions in YAML that are to be there. */
  readonly crdFiles: readonly string[];
  readonly logger: Logger;
  /** The clock for timestamps and ages. */
  readonly now?: () => Date;
  /** Bounds of the storage, for tests and unusual sites. */
  readonly storage?: Omit<ObjectStoreOptions, 'directory'>;
}

/** Clients that watch expect a sign of life at least once a minute. */
const BOOKMARKS_EVERY_MS = 30_000;
const SWEEP_EVERY_MS = 60_000;
const COMPACT_EVERY_MS = 10_000;

/**
 * A Kubernetes API on SQLite, for one process. Every write that it acknowledges is on the disk; `open` on the same
 * folder goes on where the last process ended, however it ended.
 */
export class EmbeddedServer {
  readonly #handler: RequestHandler;
  readonly #context: ApiContext;
  readonly #stop: AbortController;
  readonly #metrics: RequestMetrics;
  readonly #expiry: EventExpiry;
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #listeners: HttpListener[] = [];
  readonly #transports: KubeTransport[] = [];

  /** Rejects when the folder is in use, cannot be written to, or a CRD file is not one. */
  static async open(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
    mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
    const store = await ObjectStore.open({ ...options.storage, directory: options.dataDir });
    const stop = new AbortController();
    try {
      return await EmbeddedServer.#start(options, store, stop);
    } catch (err) {
      stop.abort();
      await store.close();
      throw err;
    }
  }

  static async #start(
    { tokens, crdFiles, logger, now = () => new Date() }: EmbeddedServerOptions,
    store: ObjectStore,
    stop: AbortController,
  ): Promise<EmbeddedServer> {
    const hub = new WatchHub();
    const context: ApiContext = {
      store,
      hub,
      registry: new Registry(builtinDefinitions),
      authenticator: new TokenAuthenticator(tokens),
      authorizer: new Authorizer(),
      writes: new WriteCore(store, now),
      now,
    };
    const onError = (key: string, err: unknown): void =>
      logger.warn({ err, key }, 'an object could not be cleaned up yet; it is tried again');
    const crds = new CrdController(context, onError, stop.signal);
    const namespaces = new NamespaceController(context, onError, stop.signal);
    const collector = new GarbageCollector(context, onError, stop.signal);
    const expiry = new EventExpiry(context);
    // CRDs first: whoever hears of one may use its kind at once.
    const parts = [crds, hub, namespaces, collector, expiry];
    store.onChanges((changes) => {
      for (const part of parts) part.onChanges(changes);
    });
    await crds.start(crdFiles);
    await namespaces.start();
    collector.start();
    expiry.start();
    return new EmbeddedServer(context, stop, expiry, logger);
  }

  private constructor(context: ApiContext, stop: AbortController, expiry: EventExpiry, logger: Logger) {
    const { registry, authorizer, store, hub } = context;
    this.#context = context;
    this.#stop = stop;
    this.#expiry = expiry;
    this.#metrics = new RequestMetrics();
    const paths = new NonResourceHandler(registry, authorizer, this.#metrics);
    this.#handler = new RequestHandler(context, paths, this.#metrics, (err, { method, url }) =>
      logger.error({ err, method, path: url.split('?')[0] }, 'a request failed inside the embedded API server'),
    );
    const sweep = (): void =>
      void expiry.sweep().catch((err: unknown) => logger.warn({ err }, 'old Events could not be removed yet'));
    this.#timers = [
      setInterval(() => hub.sendBookmarks(store.revision), BOOKMARKS_EVERY_MS).unref(),
      setInterval(sweep, SWEEP_EVERY_MS).unref(),
      setInterval(() => store.compact(), COMPACT_EVERY_MS).unref(),
    ];
  }

  /** Serves HTTP, or HTTPS with `tls`. Rejects with the system's error when the port is taken. */
  async listen(options: ListenOptions): Promise<{ url: string; port: number }> {
    const listener = new HttpListener(this.#handler, this.#context.authenticator, options.tls);
    const address = await listener.listen(options);
    this.#listeners.push(listener);
    return address;
  }

  /** In-process calls under an identity: no HTTP, no TLS. */
  transport(user: User): KubeTransport {
    const transport = new InProcessTransport(this.#handler, user);
    this.#transports.push(transport);
    return transport;
  }

  /** Knows one more token from now on. */
  addToken(token: string, user: User): void {
    this.#context.authenticator.add(token, user);
  }

  /** Knows these people from now on, instead of those before. */
  setPeople(people: readonly KnownToken[]): void {
    this.#context.authenticator.setPeople(people);
  }

  /** Removes what has outlived its time now, instead of within the minute. */
  sweep(): Promise<void> {
    return this.#expiry.sweep();
  }

  /** Bounds the database, in pages of 4 KiB: for sites that share a disk. Beyond it writes are refused with 507. */
  limitStoragePages(pages: number): void {
    this.#context.store.limitPages(pages);
  }

  /** Requests so far, in the text format of Prometheus. */
  metrics(): string {
    return this.#metrics.expose();
  }

  /** Ends watches, lets writes under way become durable, and gives the folder free. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all([...this.#listeners, ...this.#transports].map((part) => part.close()));
    await this.#context.store.close();
  }
}
