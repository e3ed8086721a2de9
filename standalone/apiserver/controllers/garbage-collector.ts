import type { KubeObject, OwnerReference } from '../../../kube/object.ts';
import type { Registry } from '../registry.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Change, StoredObject } from '../storage/stored-object.ts';
import { keyOf, storedAsOf } from '../storage/stored-object.ts';
import type { ApiContext } from '../verbs/api-context.ts';
import { deleteOne, FOREGROUND, ORPHAN } from '../verbs/delete-verbs.ts';
import type { PropagationPolicy } from '../verbs/delete-options.ts';
import { KeyWorker } from './key-worker.ts';
import { OwnerIndex } from './owner-index.ts';

/**
 * Deletes objects whose owners are gone, and does for owners that are being deleted what their finalizers ask: `orphan`
 * lets the dependents go free, `foregroundDeletion` deletes them first.
 */
export class GarbageCollector {
  readonly #context: ApiContext;
  readonly #worker: KeyWorker;
  readonly #owners = new OwnerIndex();

  constructor(context: ApiContext, onError: (key: string, err: unknown) => void, signal: AbortSignal) {
    this.#context = context;
    this.#worker = new KeyWorker((key) => this.#look(key), onError, signal);
  }

  /** Looks at everything once: what was left to do before a restart is done. */
  start(): void {
    const { store } = this.#context;
    for (const stored of store.scan(['"ownerReferences":', '"deletionTimestamp":'])) this.#note(stored.key, stored);
  }

  onChanges(changes: readonly Change[]): void {
    for (const { type, current, previous } of changes) {
      const { metadata } = current.object;
      if (metadata.ownerReferences !== undefined || previous?.object.metadata.ownerReferences !== undefined)
        this.#owners.set(current.key, type === 'DELETED' ? undefined : current.object);
      if (type === 'DELETED') this.#onDeleted(current.object);
      else this.#note(current.key, current);
    }
  }

  #note(key: string, stored: StoredObject): void {
    const { metadata } = stored.object;
    if (metadata.ownerReferences !== undefined) this.#owners.set(key, stored.object);
    if (metadata.ownerReferences !== undefined || waitsForCollector(stored.object)) this.#worker.add(key);
  }

  #onDeleted({ metadata }: KubeObject): void {
    for (const key of this.#owners.dependentsOf(metadata.uid ?? '')) this.#worker.add(key);
    // An owner that waits for its dependents may have waited for this one.
    for (const owner of metadata.ownerReferences ?? []) {
      const stored = findOwner(this.#context.store, this.#context.registry, owner, metadata.namespace);
      if (stored !== undefined) this.#worker.add(stored.key);
    }
  }

  async #look(key: string): Promise<void> {
    const { store, registry } = this.#context;
    const stored = store.latest(key);
    const definition = registry.findStored(storedAsOf(key));
    if (stored === undefined || definition === undefined) return;
    const { metadata } = stored.object;
    if (metadata.deletionTimestamp !== undefined) {
      if (metadata.finalizers?.includes(ORPHAN)) return this.#orphanDependents(definition, stored.object);
      if (metadata.finalizers?.includes(FOREGROUND)) return this.#deleteDependents(definition, stored.object);
      return;
    }
    await this.#checkOwners(definition, stored.object);
  }

  /** Deletes an object without owners; one that still has some loses the references to those that are gone. */
  async #checkOwners(definition: ResourceDefinition, { metadata }: KubeObject): Promise<void> {
    const { store, registry } = this.#context;
    const references = metadata.ownerReferences ?? [];
    if (references.length === 0) return;
    const absent = references.filter((owner) => isAbsent(store, registry, owner, metadata.namespace));
    const solid = references.filter((owner) => !absent.includes(owner));
    const waiting = solid.filter((owner) => isDeletingDependents(store, registry, owner, metadata.namespace));
    if (absent.length === 0 && waiting.length === 0) return;
    if (solid.length > waiting.length) {
      await this.#dropOwners(definition, metadata, new Set([...absent, ...waiting].map(({ uid }) => uid)));
      return;
    }
    await this.#delete(definition, metadata, waiting.length > 0 ? this.#policyOfDependent(metadata) : undefined);
  }

  /** A dependent that has dependents of its own goes in the foreground too, so that its owner waits for them. */
  #policyOfDependent({ uid }: KubeObject['metadata']): PropagationPolicy {
    return this.#owners.dependentsOf(uid ?? '').length > 0 ? 'Foreground' : 'Background';
  }

  async #orphanDependents(definition: ResourceDefinition, owner: KubeObject): Promise<void> {
    const { uid = '' } = owner.metadata;
    for (const key of this.#owners.dependentsOf(uid)) {
      const kind = this.#context.registry.findStored(storedAsOf(key));
      const stored = this.#context.store.latest(key);
      if (kind !== undefined && stored !== undefined)
        await this.#dropOwners(kind, stored.object.metadata, new Set([uid]));
    }
    await this.#removeFinalizer(definition, owner.metadata, ORPHAN);
  }

  async #deleteDependents(definition: ResourceDefinition, owner: KubeObject): Promise<void> {
    const { store } = this.#context;
    const { uid = '' } = owner.metadata;
    let isBlocked = false;
    for (const key of this.#owners.dependentsOf(uid)) {
      const dependent = store.latest(key);
      if (dependent === undefined) continue;
      const reference = dependent.object.metadata.ownerReferences?.find((known) => known.uid === uid);
      isBlocked ||= reference?.blockOwnerDeletion === true;
      this.#worker.add(key);
    }
    // When the last of them goes, its deletion brings the owner here again.
    if (!isBlocked) await this.#removeFinalizer(definition, owner.metadata, FOREGROUND);
  }

  async #dropOwners(
    definition: ResourceDefinition,
    { name, namespace = '' }: KubeObject['metadata'],
    uids: ReadonlySet<string>,
  ): Promise<void> {
    await this.#update(definition, namespace, name, (metadata) => {
      const kept = metadata.ownerReferences?.filter(({ uid }) => !uids.has(uid)) ?? [];
      const { ownerReferences: _all, ...rest } = metadata;
      return kept.length === 0 ? rest : { ...rest, ownerReferences: kept };
    });
  }

  async #removeFinalizer(
    definition: ResourceDefinition,
    { name, namespace = '' }: KubeObject['metadata'],
    finalizer: string,
  ): Promise<void> {
    await this.#update(definition, namespace, name, (metadata) => {
      const kept = metadata.finalizers?.filter((held) => held !== finalizer) ?? [];
      const { finalizers: _all, ...rest } = metadata;
      return kept.length === 0 ? rest : { ...rest, finalizers: kept };
    });
  }

  async #update(
    definition: ResourceDefinition,
    namespace: string,
    name: string,
    change: (metadata: KubeObject['metadata']) => KubeObject['metadata'],
  ): Promise<void> {
    const target = { definition, namespace, name, subresource: '', dryRun: false, unconditional: true } as const;
    await ignoreGone(this.#context.writes.update(target, (old) => ({ ...old, metadata: { ...change(old.metadata) } })));
  }

  async #delete(
    definition: ResourceDefinition,
    { name, namespace = '', uid }: KubeObject['metadata'],
    propagationPolicy: PropagationPolicy | undefined,
  ): Promise<void> {
    const options = { propagationPolicy, uid, resourceVersion: undefined, dryRun: false, isOldStyleCascade: false };
    await ignoreGone(deleteOne(this.#context, definition, namespace, name, options));
  }
}

function waitsForCollector({ metadata }: KubeObject): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    (metadata.finalizers?.includes(ORPHAN) === true || metadata.finalizers?.includes(FOREGROUND) === true)
  );
}

function findOwner(
  store: ObjectStore,
  registry: Registry,
  { apiVersion, kind, name, uid }: OwnerReference,
  namespace: string | undefined,
): StoredObject | undefined {
  const definition = registry.findKind(apiVersion, kind);
  if (definition === undefined) return undefined;
  const stored = store.latest(keyOf(definition.storedAs, definition.namespaced ? (namespace ?? '') : '', name));
  return stored?.object.metadata.uid === uid ? stored : undefined;
}

/** An owner of a kind that is not served is not known to be gone. */
function isAbsent(
  store: ObjectStore,
  registry: Registry,
  owner: OwnerReference,
  namespace: string | undefined,
): boolean {
  return (
    registry.findKind(owner.apiVersion, owner.kind) !== undefined &&
    findOwner(store, registry, owner, namespace) === undefined
  );
}

function isDeletingDependents(
  store: ObjectStore,
  registry: Registry,
  owner: OwnerReference,
  namespace: string | undefined,
): boolean {
  const metadata = findOwner(store, registry, owner, namespace)?.object.metadata;
  return metadata?.deletionTimestamp !== undefined && metadata.finalizers?.includes(FOREGROUND) === true;
}

async function ignoreGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (err) {
    if ((err as { code?: number }).code !== 404) throw err;
  }
}
