import { readFile } from 'node:fs/promises';
import { loadAll } from 'js-yaml';
import type { KubeObject } from '../../../kube/object.ts';
import type { Registry } from '../registry.ts';
import { definitionsFromCrd } from '../schema/crd.ts';
import type { Change } from '../storage/stored-object.ts';
import { keyOf, keyRange } from '../storage/stored-object.ts';
import type { ApiContext } from '../verbs/api-context.ts';

export const CRDS = 'apiextensions.k8s.io/customresourcedefinitions';

interface Crd extends KubeObject {
  spec: { names: object; versions: { name: string; storage: boolean }[] };
  status?: object;
}

/** Serves the kinds of the CRDs that are stored, and keeps those of the program's own files up to date. */
export class CrdController {
  readonly #context: ApiContext;
  readonly #registry: Registry;

  constructor(context: ApiContext) {
    this.#context = context;
    this.#registry = context.registry;
  }

  /** Reads what is stored, then creates or replaces the CRDs of files. */
  async start(files: readonly string[]): Promise<void> {
    const { store } = this.#context;
    const { start, end } = keyRange(CRDS, '');
    for (const listed of store.list(start, end, store.revision, Number.MAX_SAFE_INTEGER))
      this.#serve(store.at(listed).object);
    for (const file of files)
      for (const document of loadAll(await readFile(file, 'utf8'))) await this.#apply(document as Crd);
  }

  onChanges(changes: readonly Change[]): void {
    for (const { type, storedAs, current } of changes) {
      if (storedAs !== CRDS) continue;
      if (type === 'DELETED') this.#registry.setCustom(current.object.metadata.name, []);
      else this.#serve(current.object);
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
    await writes.update(
      { ...target, name, subresource: '', unconditional: true },
      (old) => ({ ...old, metadata: { ...old.metadata }, spec: crd.spec }) as Crd,
    );
  }

  #serve(crd: KubeObject): void {
    this.#registry.setCustom(crd.metadata.name, definitionsFromCrd(crd));
  }
}
