import type { Change, StoredObject } from '../storage/stored-object.ts';
import { keyOf, keyRange } from '../storage/stored-object.ts';
import type { ApiContext } from '../verbs/api-context.ts';
import { DEFAULT_NAMESPACES, NAMESPACES } from '../verbs/namespace-lifecycle.ts';
import type { Namespace } from '../verbs/namespace-lifecycle.ts';
import { emptyRange } from './empty-range.ts';
import { KeyWorker } from './key-worker.ts';

/** Empties namespaces that are being deleted and removes them once nothing is left in them. */
export class NamespaceController {
  readonly #context: ApiContext;
  readonly #worker: KeyWorker;
  /** Namespaces that are being deleted. */
  readonly #terminating = new Set<string>();

  constructor(context: ApiContext, onError: (key: string, err: unknown) => void, signal: AbortSignal) {
    this.#context = context;
    this.#worker = new KeyWorker((name) => this.#finish(name), onError, signal);
  }

  /** Makes the namespaces that are always there, and goes on with deletions from before a restart. */
  async start(): Promise<void> {
    const { store, registry, writes } = this.#context;
    const definition = registry.findStored(NAMESPACES);
    if (definition === undefined) return;
    for (const name of DEFAULT_NAMESPACES) {
      if (store.latest(keyOf(NAMESPACES, '', name)) !== undefined) continue;
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      definition.applyDefaults(object);
      await writes.create({ definition, namespace: '', dryRun: false }, object);
    }
    const { start, end } = keyRange(NAMESPACES, '');
    for (const listed of store.list(start, end, store.revision, Number.MAX_SAFE_INTEGER)) this.#look(store.at(listed));
  }

  onChanges(changes: readonly Change[]): void {
    for (const { type, storedAs, current } of changes) {
      if (storedAs === NAMESPACES) {
        if (type === 'DELETED') this.#terminating.delete(current.object.metadata.name);
        else this.#look(current);
      } else if (type === 'DELETED' && this.#terminating.size > 0) {
        const { namespace = '' } = current.object.metadata;
        if (this.#terminating.has(namespace)) this.#worker.add(namespace);
      }
    }
  }

  #look({ object: { metadata } }: StoredObject): void {
    if (metadata.deletionTimestamp === undefined) return;
    this.#terminating.add(metadata.name);
    this.#worker.add(metadata.name);
  }

  async #finish(name: string): Promise<void> {
    const { store, registry, writes } = this.#context;
    const kinds = new Map(
      registry.all.filter((kind) => kind.namespaced && !kind.virtual).map((kind) => [kind.storedAs, kind]),
    );
    let left = 0;
    for (const definition of kinds.values()) left += await emptyRange(this.#context, definition, name);
    // What waits for finalizers comes back as a change when it goes.
    if (left > 0) return;
    const definition = registry.findStored(NAMESPACES);
    const old = store.latest(keyOf(NAMESPACES, '', name));
    if (definition === undefined || old === undefined) return;
    const object = old.object as Namespace;
    const target = { definition, namespace: '', dryRun: false };
    if ((object.metadata.finalizers ?? []).length === 0) await writes.remove(target, old);
    else if ((object.spec?.finalizers ?? []).length > 0)
      await writes.replace(target, old, { ...object, spec: {} } as Namespace);
  }
}
