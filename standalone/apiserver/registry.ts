import type { ResourceDefinition } from './resource-definition.ts';

/** The kinds that are served, built-in and from CRDs. */
export class Registry {
  readonly #definitions = new Map<string, ResourceDefinition>();
  readonly #builtin: readonly ResourceDefinition[];
  readonly #custom = new Map<string, readonly ResourceDefinition[]>();
  #generation = 0;

  constructor(builtin: readonly ResourceDefinition[]) {
    this.#builtin = builtin;
    this.#index();
  }

  /** Changes whenever the set of kinds does: what is made of all definitions is kept per generation. */
  get generation(): number {
    return this.#generation;
  }

  get all(): readonly ResourceDefinition[] {
    return [...this.#definitions.values()];
  }

  find(group: string, version: string, plural: string): ResourceDefinition | undefined {
    return this.#definitions.get(`${group}/${version}/${plural}`);
  }

  /** The kind that an `apiVersion` and `kind` name, as in an owner reference. */
  findKind(apiVersion: string, kind: string): ResourceDefinition | undefined {
    const groupVersion = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
    for (const [key, definition] of this.#definitions)
      if (definition.kind === kind && !definition.virtual && key.startsWith(`${groupVersion}/`)) return definition;
    return undefined;
  }

  /** A definition for the objects stored under `<group>/<plural>`. */
  findStored(storedAs: string): ResourceDefinition | undefined {
    for (const definition of this.#definitions.values())
      if (definition.storedAs === storedAs && !definition.virtual) return definition;
    return undefined;
  }

  /** Serves what a CRD defines, in place of what it defined before; nothing, when it is gone. */
  setCustom(crdName: string, definitions: readonly ResourceDefinition[]): void {
    if (definitions.length === 0) this.#custom.delete(crdName);
    else this.#custom.set(crdName, definitions);
    this.#index();
  }

  #index(): void {
    this.#definitions.clear();
    for (const definition of [...this.#builtin, ...[...this.#custom.values()].flat()])
      this.#definitions.set(`${definition.group}/${definition.version}/${definition.plural}`, definition);
    this.#generation += 1;
  }
}
