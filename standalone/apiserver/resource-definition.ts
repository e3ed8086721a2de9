import type { KubeObject } from '../../kube/object.ts';
import type { FieldError } from './field-error.ts';

export type { FieldError } from './field-error.ts';

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description?: string;
  /** 0 is always shown, anything higher only with `-o wide`. */
  readonly priority?: number;
  /** Where the value stands, as a JSONPath without braces. */
  readonly jsonPath?: string;
  /** Reckons the cell of a built-in kind; goes before `jsonPath`. `now` is the time to count ages to. */
  readonly cell?: (object: KubeObject, now: Date) => string | number | boolean | null;
}

/** One version of one kind, as the server serves it. Everything here is pure: no I/O, no clock of its own. */
export interface ResourceDefinition {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  /** Empty for kinds that cannot be listed. */
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** Whether `/status` exists; then only it writes status, and everything else leaves status alone. */
  readonly hasStatus: boolean;
  /** Whether objects of the kind are kept. A virtual kind (a review) is answered by the server itself and only created. */
  readonly virtual: boolean;
  /** Whether the definition comes from a CRD: its kinds have no strategic merge patch. */
  readonly custom: boolean;
  /** The `<group>/<plural>` that objects are stored under (`/secrets`); two groups may serve the same objects (events). */
  readonly storedAs: string;
  /** Fields beside metadata.name and metadata.namespace that field selectors may name, as dotted paths. */
  readonly selectableFields: readonly string[];
  readonly columns: readonly PrinterColumn[];
  /** JSON schema for OpenAPI v3. */
  readonly openapi: object;
  /** In the order in which discovery shows them. Empty of `create` and so on where the kind refuses them. */
  readonly verbs: readonly string[];
  /**
   * Drops fields that the schema does not know, in place, and names them as strict field validation words them
   * (`unknown field "spec.foo"` is made of `spec.foo`).
   */
  prune(object: KubeObject): string[];
  /** Sets what is absent and has a default, in place. */
  applyDefaults(object: KubeObject): void;
  /**
   * Checks metadata, then the structural schema, then rules (CEL with oldSelf) where the schema held. `old` undefined
   * means create. `subresource` `status` checks as the status strategy does.
   */
  validate(object: KubeObject, old: KubeObject | undefined, subresource?: 'status'): FieldError[];
  /**
   * What a create forces on a pruned and defaulted object, before validation: status dropped (and left to its defaults),
   * generation 1.
   */
  prepareForCreate?(object: KubeObject): void;
  /**
   * What an update forces: status kept on a write to the object, everything but status kept on a write to `/status`,
   * generation bumped when anything but metadata and status changed.
   */
  prepareForUpdate?(object: KubeObject, old: KubeObject, subresource?: 'status'): void;
  /**
   * Turns an object of this version into the form that is stored, and back, where two versions share their objects
   * (`storedAs`). Absent: objects are stored as they are served. Neither changes what it is given.
   */
  toStored?(object: KubeObject): KubeObject;
  fromStored?(object: KubeObject): KubeObject;
}

/** `apiVersion` of a definition's objects. */
export function apiVersionOf(definition: Pick<ResourceDefinition, 'group' | 'version'>): string {
  return definition.group === '' ? definition.version : `${definition.group}/${definition.version}`;
}
