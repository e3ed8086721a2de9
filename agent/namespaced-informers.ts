import type { Logger } from 'pino';
import type { KubeClient } from '../kube/client.ts';
import { Informer, splitKey } from '../kube/informer.ts';
import type { ChangeListener } from '../kube/informer.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Resource } from '../kube/resource.ts';

export interface NamespacedInformersOptions<T extends KubeObject> {
  readonly fieldSelector?: string;
  /** Runs on every object that arrives. May change it, to drop what is never read. */
  readonly transform?: (object: T) => T;
  readonly onChange: ChangeListener<T>;
  readonly logger: Logger;
}

/** Informers of one resource in the namespaces that an agent serves, which may change. */
export class NamespacedInformers<T extends KubeObject> {
  readonly #client: KubeClient;
  readonly #resource: Resource<T>;
  readonly #options: NamespacedInformersOptions<T>;
  readonly #running = new Map<string, { informer: Informer<T>; stop: AbortController; done: Promise<void> }>();

  constructor(client: KubeClient, resource: Resource<T>, options: NamespacedInformersOptions<T>) {
    this.#client = client;
    this.#resource = resource;
    this.#options = options;
  }

  /** Watches exactly these namespaces from now on; `*` is all. */
  serve(namespaces: readonly string[]): void {
    const wanted = new Set(namespaces.includes('*') ? ['*'] : namespaces);
    for (const [namespace, { stop }] of this.#running) {
      if (wanted.has(namespace)) continue;
      stop.abort();
      this.#running.delete(namespace);
    }
    for (const namespace of wanted) if (!this.#running.has(namespace)) this.#watch(namespace);
  }

  /** The object as it was seen last; undefined when there is none, or when its namespace is not watched. */
  get(key: string): T | undefined {
    const running = this.#running.get('*') ?? this.#running.get(splitKey(key).namespace ?? '');
    return running?.informer.get(key);
  }

  async close(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { stop } of running) stop.abort();
    await Promise.all(running.map(({ done }) => done));
  }

  #watch(namespace: string): void {
    const { fieldSelector, transform, onChange, logger } = this.#options;
    const { plural } = this.#resource;
    const informer = new Informer(this.#client, this.#resource, {
      ...(namespace === '*' ? {} : { namespace }),
      ...(fieldSelector !== undefined && { fieldSelector }),
      ...(transform !== undefined && { transform }),
      onError: (err) => logger.warn({ err, namespace }, `the watch of ${plural} failed and will be tried again`),
    });
    const stop = new AbortController();
    // What was asked to stop must not speak any more: its objects did not vanish.
    informer.onChange((...change) => {
      if (!stop.signal.aborted) onChange(...change);
    });
    this.#running.set(namespace, { informer, stop, done: informer.run(stop.signal) });
  }
}
