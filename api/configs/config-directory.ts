import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import { ChangeWaiter } from '../change-waiter.ts';
import { ApiError } from '../errors.ts';
import { idOf, nameOfId } from './config-id.ts';
import type { Identified } from './config-id.ts';
import type { ConfigKind } from './config-kind.ts';

export interface ConfigDirectoryOptions<T> {
  /** Where configurations live: the home namespace. */
  readonly namespace: string;
  /** Drops from an object what is never read. */
  readonly transform?: (object: T) => T;
  readonly metrics?: KubeMetrics;
  readonly onError: (err: unknown) => void;
}

/** How long an answer waits for the informer to see a change, so that the next read shows it. */
const SETTLE_MS = 1000;

const PAGE = 500;

/** The configurations of one kind, by the ids that REST knows them by. What is being deleted is not there any more. */
export class ConfigDirectory<T extends Identified> {
  readonly kind: ConfigKind<T>;
  readonly namespace: string;
  readonly #client: KubeClient;
  readonly #informer: Informer<T>;
  readonly #changes: ChangeWaiter<T>;

  constructor(client: KubeClient, kind: ConfigKind<T>, options: ConfigDirectoryOptions<T>) {
    this.kind = kind;
    this.namespace = options.namespace;
    this.#client = client;
    this.#informer = new Informer(client, kind.resource, { ...options, indexes: { id: (object) => [idOf(object)] } });
    this.#changes = new ChangeWaiter(this.#informer);
  }

  get hasSynced(): boolean {
    return this.#informer.hasSynced;
  }

  get lastContactAt(): number {
    return this.#informer.lastContactAt;
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#informer.run(signal);
  }

  /** All of them, oldest first. Rejects with `NotReady` before they have been read. Shared: never change them. */
  list(): T[] {
    if (!this.hasSynced) throw new ApiError('NotReady', undefined, { headers: { 'Retry-After': '1' } });
    return [...this.#informer.values()].filter(isThere).sort(compareOldestFirst);
  }

  /** All of them as the API server has them now. */
  async listFresh(fieldSelector?: string): Promise<T[]> {
    const found: T[] = [];
    let position: string | undefined;
    do {
      const page = await this.#client.list(this.kind.resource, this.namespace, {
        limit: PAGE,
        ...(fieldSelector !== undefined && { fieldSelector }),
        ...(position && { continue: position }),
      });
      found.push(...(page.items ?? []).filter(isThere));
      position = page.metadata.continue;
    } while (position);
    return found;
  }

  /** The object of this name, as far as is known. */
  peek(name: string): T | undefined {
    const known = this.#informer.get(this.#key(name));
    return known !== undefined && isThere(known) ? known : undefined;
  }

  /** The configuration with the id; asks the API server for one that is not known yet. */
  async find(id: string): Promise<T | undefined> {
    return this.#known(id) ?? (await this.findFresh(id));
  }

  /** Like `find`, as the API server has it now. */
  async findFresh(id: string): Promise<T | undefined> {
    const object = await this.read(nameOfId(id));
    if (object !== undefined && isThere(object) && idOf(object) === id) return object;
    // Objects that came by kubectl may have any name beside their id.
    const known = this.#known(id);
    if (known === undefined) return undefined;
    const fresh = await this.read(known.metadata.name);
    return fresh !== undefined && isThere(fresh) && idOf(fresh) === id ? fresh : undefined;
  }

  /** Like `findFresh`; rejects with `ConfigNotFound` when there is none. */
  async requireFresh(id: string): Promise<T> {
    const object = await this.findFresh(id);
    if (object === undefined) throw this.notFound(id);
    return object;
  }

  notFound(id: string): ApiError {
    return new ApiError('ConfigNotFound', `${this.kind.title} config with id '${id}' not found.`);
  }

  /** The object of this name as the API server has it now, also when it is being deleted. */
  async read(name: string): Promise<T | undefined> {
    try {
      return await this.#client.get(this.kind.resource, this.namespace, name);
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }

  /** Waits a little until `written` is what is read. */
  async untilSeen(written: T): Promise<void> {
    const { name, uid, generation = 0 } = written.metadata;
    const isSeen = (seen: T | undefined): boolean =>
      seen?.metadata.uid === uid && (seen?.metadata.generation ?? 0) >= generation;
    await this.#changes.until(this.#key(name), isSeen, SETTLE_MS);
  }

  /** Waits a little until the object is not read any more. */
  async untilGone({ metadata: { name, uid } }: T): Promise<void> {
    const known = this.#informer.get(this.#key(name));
    if (known === undefined) return;
    const isGone = (seen: T | undefined): boolean => seen === undefined || seen.metadata.uid !== uid || !isThere(seen);
    await this.#changes.until(this.#key(name), isGone, SETTLE_MS);
  }

  #known(id: string): T | undefined {
    const found = this.#informer.byIndex('id', id).filter(isThere);
    // Two objects can have one id only by kubectl; the one that REST would have made counts.
    return found.find(({ metadata }) => metadata.name === nameOfId(id)) ?? found.sort(compareOldestFirst)[0];
  }

  #key(name: string): string {
    return `${this.namespace}/${name}`;
  }
}

export const isThere = ({ metadata }: Identified): boolean => metadata.deletionTimestamp === undefined;

function compareOldestFirst({ metadata: a }: Identified, { metadata: b }: Identified): number {
  const [timeA = '', timeB = ''] = [a.creationTimestamp, b.creationTimestamp];
  if (timeA !== timeB) return timeA < timeB ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}
