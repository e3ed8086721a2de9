import { randomBytes, randomUUID } from 'node:crypto';
import type { KubeObject } from '../../../kube/object.ts';
import { goQuote } from '../go-format.ts';
import { apiVersionOf } from '../resource-definition.ts';
import type { FieldError, ResourceDefinition } from '../resource-definition.ts';
import { deepEqual } from '../schema/correlation.ts';
import {
  alreadyExists,
  generateNameConflict,
  invalid,
  notFound,
  StatusError,
  staleVersion,
  tooManyRequests,
} from '../status-error.ts';
import type { Qualified } from '../status-error.ts';
import { StorageError } from '../storage/commit-queue.ts';
import { ObjectTooLargeError, TooManyWritesError } from '../storage/object-store.ts';
import type { ObjectStore, Written } from '../storage/object-store.ts';
import { keyOf, StoredObject } from '../storage/stored-object.ts';
import type { Change } from '../storage/stored-object.ts';
import { servedObject } from './served-object.ts';

/** How often a generated name that is taken is replaced by another. */
const NAME_ATTEMPTS = 8;

export interface WriteTarget {
  readonly definition: ResourceDefinition;
  /** Empty for cluster-wide kinds. */
  readonly namespace: string;
  readonly dryRun: boolean;
}

export interface UpdateTarget extends WriteTarget {
  readonly name: string;
  readonly subresource: '' | 'status';
  /** Whether an object without a resourceVersion replaces any version. Patches and kinds that allow it. */
  readonly unconditional: boolean;
}

export interface Outcome {
  readonly stored: StoredObject;
  /** The write removed the object: it was being deleted and lost its last finalizer. */
  readonly removed: boolean;
}

export const resourceOf = ({ group, plural }: ResourceDefinition): Qualified => ({ group, name: plural });
export const kindOf = ({ group, kind }: ResourceDefinition): Qualified => ({ group, name: kind });

/**
 * Creates and updates, whoever asks: checks, decides on the newest state and waits until the write is on the disk.
 * Objects handed in are taken over; objects from the store are never mutated.
 */
export class WriteCore {
  readonly #store: ObjectStore;
  readonly #now: () => Date;

  constructor(store: ObjectStore, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  /** `object` is pruned and defaulted. Its metadata is filled in. */
  async create(target: WriteTarget, object: KubeObject): Promise<StoredObject> {
    const { definition, namespace } = target;
    const { metadata } = object;
    if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== '' && metadata.resourceVersion !== '0')
      throw new StatusError(500, '', 'resourceVersion should not be set on objects to be created');
    const isGenerated = !metadata.name && !!metadata.generateName;
    for (let attempt = 1; ; attempt += 1) {
      object.metadata = newMetadata(metadata, namespace, this.#now());
      definition.prepareForCreate?.(object);
      this.#refuse(definition, object, definition.validate(object, undefined));
      // What preparation dropped may have a default; the real server sets it when it reads the object back.
      definition.applyDefaults(object);
      const key = keyOf(definition.storedAs, namespace, object.metadata.name);
      const existing = this.#store.latest(key);
      if (existing === undefined) return this.#write('ADDED', target, key, object, undefined);
      await this.#settled(existing);
      if (!isGenerated) throw alreadyExists(resourceOf(definition), object.metadata.name);
      if (attempt === NAME_ATTEMPTS) throw generateNameConflict(resourceOf(definition), object.metadata.name);
    }
  }

  /**
   * `produce` makes the new object of the current one, pruned and defaulted; it may share subtrees with it, but neither
   * the object itself nor its metadata. What it throws is passed on.
   */
  async update(target: UpdateTarget, produce: (old: KubeObject) => KubeObject): Promise<Outcome> {
    const { definition, namespace, name } = target;
    const key = keyOf(definition.storedAs, namespace, name);
    const old = this.#store.latest(key);
    if (old === undefined) throw notFound(resourceOf(definition), name);
    try {
      return await this.#update(target, key, old, produce(servedObject(definition, old)));
    } catch (err) {
      // The refusal may rest on a write that is not on the disk yet: it must not be told before that.
      await this.#settled(old);
      throw err;
    }
  }

  /** Removes an object for good, whatever its finalizers. */
  remove(target: WriteTarget, old: StoredObject): Promise<StoredObject> {
    return this.#writeStored('DELETED', target, old.key, old.object, old);
  }

  /** Writes a version of a stored object that was prepared by other rules than an update's. */
  replace(target: WriteTarget, old: StoredObject, object: KubeObject): Promise<StoredObject> {
    return this.#writeStored('MODIFIED', target, old.key, object, old);
  }

  async #update(target: UpdateTarget, key: string, old: StoredObject, object: KubeObject): Promise<Outcome> {
    const { definition, subresource } = target;
    const before = servedObject(definition, old);
    const version = object.metadata.resourceVersion ?? '';
    if (version !== '' && version !== '0') {
      if (!/^\d+$/.test(version))
        throw new StatusError(500, '', `strconv.ParseUint: parsing ${goQuote(version)}: invalid syntax`);
      if (version !== before.metadata.resourceVersion) throw staleVersion(resourceOf(definition), target.name);
    } else if (!target.unconditional) {
      const error: FieldError = {
        field: 'metadata.resourceVersion',
        type: 'FieldValueInvalid',
        message: 'Invalid value: 0: must be specified for an update',
      };
      throw invalid(resourceOf(definition), target.name, [error]);
    }
    object.metadata = keptMetadata(object.metadata, before.metadata);
    definition.prepareForUpdate?.(object, before, subresource === '' ? undefined : subresource);
    this.#refuse(definition, object, definition.validate(object, before, subresource === '' ? undefined : subresource));
    definition.applyDefaults(object);
    if (isReleased(object)) {
      // The event shows the object as it was stored, the answer as it was sent: as in the real server.
      await this.remove(target, old);
      return { stored: new StoredObject(key, old.revision, JSON.stringify(object), object), removed: true };
    }
    if (deepEqual(object, before)) {
      await this.#settled(old);
      return { stored: old, removed: false };
    }
    return { stored: await this.#write('MODIFIED', target, key, object, old), removed: false };
  }

  #refuse(definition: ResourceDefinition, object: KubeObject, errors: readonly FieldError[]): void {
    if (errors.length === 0) return;
    const { group, kind, storedAs } = definition;
    // Errors name the form that is stored, and the kind that the object says it is.
    const named = definition.fromStored === undefined ? group : storedAs.slice(0, storedAs.indexOf('/'));
    throw invalid({ group: named, name: object.kind ?? kind }, object.metadata.name, errors);
  }

  #write(
    type: Change['type'],
    target: WriteTarget,
    key: string,
    object: KubeObject,
    previous: StoredObject | undefined,
  ): Promise<StoredObject> {
    const { definition } = target;
    const stored = definition.toStored?.(object) ?? ordered(object, definition);
    return this.#writeStored(type, target, key, stored, previous);
  }

  async #writeStored(
    type: Change['type'],
    { dryRun }: WriteTarget,
    key: string,
    object: KubeObject,
    previous: StoredObject | undefined,
  ): Promise<StoredObject> {
    if (dryRun) {
      const shown = previous === undefined ? object : withVersion(object, previous.object.metadata.resourceVersion);
      return new StoredObject(key, previous?.revision ?? 0, JSON.stringify(shown), shown);
    }
    const written = this.#tryWrite(type, key, object, previous);
    try {
      await written.durable;
    } catch (err) {
      throw storageStatus(err);
    }
    return written.stored;
  }

  #tryWrite(type: Change['type'], key: string, object: KubeObject, previous: StoredObject | undefined): Written {
    try {
      return this.#store.write(type, key, object, previous);
    } catch (err) {
      throw storageStatus(err);
    }
  }

  /** Waits until a version that a decision rests on is on the disk; throws when it never will be. */
  async #settled(stored: StoredObject): Promise<void> {
    if (stored.revision <= this.#store.revision) return;
    try {
      await this.#store.flushed();
    } catch (err) {
      throw storageStatus(err);
    }
  }
}

function storageStatus(err: unknown): unknown {
  if (err instanceof TooManyWritesError) return tooManyRequests(`${err.message}; try again later`, 1);
  if (err instanceof ObjectTooLargeError) return new StatusError(500, '', 'etcdserver: request is too large');
  if (!(err instanceof StorageError)) return err;
  if (!err.full) return new StatusError(500, 'InternalError', `the write was not stored: ${err.message}`);
  const message = 'the write was not stored: the disk that holds the data is full; free some room and try again';
  return new StatusError(507, 'InsufficientStorage', message);
}

function newMetadata(given: KubeObject['metadata'], namespace: string, now: Date): KubeObject['metadata'] {
  const {
    name,
    namespace: _namespace,
    generateName,
    uid: _uid,
    resourceVersion: _resourceVersion,
    generation: _generation,
    creationTimestamp: _creation,
    deletionTimestamp: _deletion,
    ...rest
  } = given;
  const {
    managedFields: _managed,
    deletionGracePeriodSeconds: _grace,
    selfLink: _link,
    ...kept
  } = rest as typeof rest & Record<string, unknown>;
  return {
    name: name || (generateName ? `${generateName.slice(0, 58)}${randomSuffix()}` : ''),
    ...(generateName && { generateName }),
    ...(namespace !== '' && { namespace }),
    uid: randomUUID(),
    creationTimestamp: toSeconds(now),
    ...kept,
  };
}

/** A time as metadata holds it. */
export function toSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

// Names that Kubernetes generates have no vowels and no look-alikes (apimachinery/pkg/util/rand).
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

function randomSuffix(): string {
  let text = '';
  for (const byte of randomBytes(5)) text += ALPHABET.charAt(byte % ALPHABET.length);
  return text;
}

/** What a write to an object cannot change stays as it is. */
function keptMetadata(next: KubeObject['metadata'], old: KubeObject['metadata']): KubeObject['metadata'] {
  const { managedFields: _managed, selfLink: _link, ...metadata } = next as typeof next & Record<string, unknown>;
  const kept = metadata as typeof next & { deletionGracePeriodSeconds?: number };
  if (old.resourceVersion !== undefined) kept.resourceVersion = old.resourceVersion;
  if (old.uid !== undefined && !kept.uid) kept.uid = old.uid;
  if (old.creationTimestamp !== undefined) kept.creationTimestamp = old.creationTimestamp;
  if (old.generation !== undefined) kept.generation = old.generation;
  else delete kept.generation;
  if (old.deletionTimestamp !== undefined) kept.deletionTimestamp = old.deletionTimestamp;
  else delete kept.deletionTimestamp;
  const grace = (old as typeof kept).deletionGracePeriodSeconds;
  if (grace !== undefined) kept.deletionGracePeriodSeconds = grace;
  else delete kept.deletionGracePeriodSeconds;
  return kept;
}

function isReleased({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0;
}

function withVersion(object: KubeObject, resourceVersion: string | undefined): KubeObject {
  return { ...object, metadata: { ...object.metadata, ...(resourceVersion !== undefined && { resourceVersion }) } };
}

/** Objects are stored with their type first, so that it can be cut off where lists leave it out. */
function ordered(object: KubeObject, definition: ResourceDefinition): KubeObject {
  const { apiVersion, kind, metadata, ...rest } = object;
  return {
    apiVersion: apiVersion ?? apiVersionOf(definition),
    kind: kind ?? definition.kind,
    metadata,
    ...rest,
  };
}
