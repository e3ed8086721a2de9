import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient, NewObject } from '../../kube/client.ts';
import { backoffMs } from '../../kube/backoff.ts';
import { isAlreadyExists, isConflict, isInvalid, isNotFound, KubeError } from '../../kube/kube-error.ts';
import { ApiError } from '../errors.ts';
import { toApiError } from '../to-api-error.ts';
import type { ConfigDirectory } from './config-directory.ts';
import { isThere } from './config-directory.ts';
import { idOf, isConfigId, nameOfId } from './config-id.ts';
import type { Identified } from './config-id.ts';

/** What a new configuration is made of. */
export interface NewConfig<T extends Identified> {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec: Omit<T['spec'], 'id'>;
}

/** A conflict means that the object has just changed, as the status of a running sync does every few seconds. */
const TRIES = 8;

/** Whoever else writes must not always be the faster one. */
const CONFLICT_PAUSE = { minMs: 10, maxMs: 200 };

/** How long a create waits for a configuration of its id that is being deleted: its agent stops first. */
const DELETION_MS = 10_000;
const LOOK_AGAIN_MS = 200;

/** Writes configurations of one kind, always on the version that was decided on, and waits a little until they are read so. */
export class ConfigWriter<T extends Identified> {
  readonly #client: KubeClient;
  readonly #directory: ConfigDirectory<T>;

  constructor(client: KubeClient, directory: ConfigDirectory<T>) {
    this.#client = client;
    this.#directory = directory;
  }

  /** Rejects with `ConfigExists` when the id is taken, and with `InvalidConfig` for ids that nothing may have. */
  async requireFree(id: string): Promise<void> {
    const { title } = this.#directory.kind;
    if (!isConfigId(id)) throw new ApiError('InvalidConfig', `${title} config id must be 1 to 253 visible characters`);
    if ((await this.#directory.findFresh(id)) !== undefined) throw this.#exists(id);
  }

  /** Creates a configuration; rejects with `ConfigExists` when the id is taken. */
  async create(id: string, { spec, annotations }: NewConfig<T>): Promise<T> {
    const { kind, namespace } = this.#directory;
    const name = nameOfId(id);
    const object = {
      metadata: { name, ...(annotations && { annotations }) },
      spec: { ...(name !== id && { id }), ...spec },
    } as unknown as NewObject<T>;
    const giveUpAt = performance.now() + DELETION_MS;
    for (;;) {
      try {
        const created = await this.#client.create(kind.resource, namespace, object);
        await this.#directory.untilSeen(created);
        return created;
      } catch (err) {
        if (!isAlreadyExists(err)) throw invalidOr(err);
      }
      const present = await this.#directory.read(name);
      if (present !== undefined && isThere(present)) throw this.#exists(id, idOf(present));
      if (performance.now() > giveUpAt)
        throw new ApiError('ConfigBeingDeleted', `${kind.title} config '${id}' is still being deleted; try again`, {
          headers: { 'Retry-After': '5' },
        });
      await sleep(LOOK_AGAIN_MS);
    }
  }

  /**
   * Writes what `change` makes of the configuration, which it may not change itself; the same object: nothing is written.
   * `change` is asked again when the configuration has changed meanwhile. Rejects with `ConfigNotFound`.
   */
  async update(id: string, change: (present: T) => T | Promise<T>): Promise<T> {
    const { kind, namespace } = this.#directory;
    for (let attempt = 1; ; attempt += 1) {
      const present = await this.#directory.requireFresh(id);
      const wanted = await change(present);
      if (wanted === present) return present;
      try {
        const written = await this.#client.replace(kind.resource, namespace, wanted);
        await this.#directory.untilSeen(written);
        return written;
      } catch (err) {
        if (isNotFound(err)) throw this.#directory.notFound(id);
        if (!isConflict(err)) throw invalidOr(err);
        if (attempt === TRIES)
          throw new ApiError('ConfigChanged', `${kind.title} config '${id}' is being changed all the time; try again`);
        await sleep(backoffMs(attempt, CONFLICT_PAUSE));
      }
    }
  }

  /** Resolves whether the configuration was there. With `unchanged` it stays if it is no longer as it was looked at. */
  async delete(object: T, { unchanged = false } = {}): Promise<boolean> {
    const { kind, namespace } = this.#directory;
    const { name, uid = '', resourceVersion = '' } = object.metadata;
    try {
      await this.#client.delete(kind.resource, namespace, name, { uid, ...(unchanged && { resourceVersion }) });
    } catch (err) {
      if (isNotFound(err) || isConflict(err)) return false;
      throw err;
    }
    await this.#directory.untilGone(object);
    return true;
  }

  #exists(id: string, other = id): ApiError {
    const { title } = this.#directory.kind;
    const text = `${title} config with name '${id}' already exists.`;
    return new ApiError('ConfigExists', other === id ? text : `${text} Its object is that of '${other}'.`);
  }
}

/** What the API server's schema refuses, in the words of configurations. */
function invalidOr(err: unknown): unknown {
  if (!isInvalid(err) || !(err instanceof KubeError)) return err;
  return new ApiError('InvalidConfig', toApiError(err).message, { cause: err });
}
