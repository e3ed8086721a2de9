import { readFile } from 'node:fs/promises';
import { loadAll } from 'js-yaml';
import type { KubeObject } from '../../../kube/object.ts';
import type { Registry } from '../registry.ts';
import { definitionsFromCrd } from '../schema/crd.ts';
import type { Change } from '../storage/stored-object.ts';
import { keyOf, keyRange } from '../storage/stored-object.ts';
import type { ApiContext } from '../verbs/api-context.ts';
import { CRD_CLEANUP, CRDS } from '../verbs/delete-verbs.ts';
import { emptyRange } from './empty-range.ts';
import { KeyWorker } from './key-worker.ts';

interface Crd extends KubeObject {
  spec: { group: string; names: { plural: string } };
}

/** Serves the kinds of the CRDs that are stored, and keeps those of the program's own files up to date. */
export class CrdController {
  readonly #context: ApiContext;
  readonly #registry: Registry;
  readonly #worker: KeyWorker;
  /** CRDs that are being deleted, by the `<group>/<plural>` of their objects. */
  readonly #terminating = new Map<string, string>();

  constructor(context: ApiContext, onError: (key: string, err: unknown) => void, signal: AbortSignal) {
    this.#context = context;
    this.#registry = context.registry;
    this.#worker = new KeyWorker((name) => this.#cleanUp(name), onError, signal);
  }

  /** Reads what is stored, then creates or replaces the CRDs of files. */
  async start(files: readonly string[]): Promise<void> {
    const { store } = this.#context;
    const { start, end } = keyRange(CRDS, '');
    for (const listed of store.list(start, end, store.revision, Number.MAX_SAFE_INTEGER))
      this.#serve(store.at(listed).object as Crd);
    for (const file of files)
      for (const document of loadAll(await readFile(file, 'utf8'))) await this.#apply(document as Crd);
  }

  onChanges(changes: readonly Change[]): void {
    for (const { type, storedAs, current } of changes) {
      if (storedAs === CRDS) {
        if (type === 'DELETED') this.#forget(current.object as Crd);
        else this.#serve(current.object as Crd);
      } else if (type === 'DELETED') {
        const name = this.#terminating.get(storedAs);
        if (name !== undefined) this.#worker.add(name);
      }
    }
  }

  /** Creates the CRD, or replaces the spec of the one that is there; one that is the same stays as it is. */
  async #apply(crd: Crd): Promise<void> {
    const { store, registry, writes } = this.#context;
    const definition = registry.findStored(CRDS);
    if (definition === undefined) throw new Error('the built-in kinds lack customresourcedefinitions');
    definition.prune(crd);
    definition.applyDefaults(crd);
    const { name } = crd.metadata;
    const target = { definition, namespace: '', dryRun: false };
    if (store.latest(keyOf(CRDS, '', name)) === undefined) {
      await writes.create(target, crd);
      return;
    }
    await writes.update({ ...target, name, subresource: '', unconditional: true }, (old) => ({
      ...old,
      metadata: { ...old.metadata },
      spec: crd.spec,
    }));
  }

  #serve(crd: Crd): void {
    const { name, deletionTimestamp } = crd.metadata;
    this.#registry.setCustom(name, definitionsFromCrd(crd));
    if (deletionTimestamp === undefined) return;
    this.#terminating.set(storedAsOf(crd), name);
    this.#worker.add(name);
  }

  #forget(crd: Crd): void {
    this.#terminating.delete(storedAsOf(crd));
    this.#registry.setCustom(crd.metadata.name, []);
  }

  /** Deletes the objects of a CRD that is being deleted, then lets the CRD go. */
  async #cleanUp(name: string): Promise<void> {
    const { store, registry, writes } = this.#context;
    const crd = store.latest(keyOf(CRDS, '', name))?.object as Crd | undefined;
    const definition = registry.findStored(CRDS);
    if (crd?.metadata.finalizers?.includes(CRD_CLEANUP) !== true || definition === undefined) return;
    const kind = registry.findStored(storedAsOf(crd));
    // What waits for finalizers comes back as a change when it goes.
    if (kind !== undefined && (await emptyRange(this.#context, kind, '')) > 0) return;
    const target = { definition, namespace: '', name, subresource: '', dryRun: false, unconditional: true } as const;
    await writes.update(target, (old) => {
      const { finalizers = [], ...metadata } = old.metadata;
      return { ...old, metadata: { ...metadata, finalizers: finalizers.filter((held) => held !== CRD_CLEANUP) } };
    });
  }
}

const storedAsOf = ({ spec }: Crd): string => `${spec.group}/${spec.names.plural}`;
