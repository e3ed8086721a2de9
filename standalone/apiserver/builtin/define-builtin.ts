import type { KubeObject } from '../../../kube/object.ts';
import type { FieldError } from '../field-error.ts';
import type { PrinterColumn, ResourceDefinition } from '../resource-definition.ts';
import type { JsonObject } from '../schema/json-schema.ts';
import { dnsSubdomainErrors } from '../schema/names.ts';
import type { NameCheck } from '../schema/names.ts';
import { validateMetadata, validateMetadataUpdate } from '../schema/object-meta-validation.ts';
import { compileRoot } from '../schema/structural.ts';
import { humanDuration } from '../table/human-duration.ts';
import { decode } from './decode.ts';
import type { BuiltinSchema } from './schema-parts.ts';

/** In discovery's order. */
const STORED_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** What makes up a built-in kind; the rest is the same for all. */
export interface BuiltinKind {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  readonly hasStatus?: boolean;
  readonly virtual?: boolean;
  readonly storedAs?: string;
  readonly selectableFields?: readonly string[];
  readonly columns?: readonly PrinterColumn[];
  readonly verbs?: readonly string[];
  readonly schema: BuiltinSchema;
  readonly checkName?: NameCheck;
  readonly applyDefaults?: (object: JsonObject) => void;
  /** What is wrong beside the metadata. */
  readonly validate?: (
    object: JsonObject,
    old: JsonObject | undefined,
    subresource: 'status' | undefined,
  ) => FieldError[];
  /** Validates metadata on its own terms; the usual checks are left out. */
  readonly skipMetadata?: boolean;
  readonly prepareForCreate?: (object: KubeObject) => void;
  readonly prepareForUpdate?: (object: KubeObject, old: KubeObject, subresource: 'status' | undefined) => void;
}

export function defineBuiltin(kind: BuiltinKind): ResourceDefinition {
  const root = compileRoot(kind.schema);
  const checkName = kind.checkName ?? ((name: string) => dnsSubdomainErrors(name));
  const { prepareForCreate, prepareForUpdate } = kind;
  const virtual = kind.virtual === true;
  return {
    group: kind.group,
    version: 'v1',
    plural: kind.plural,
    singular: kind.kind.toLowerCase(),
    kind: kind.kind,
    listKind: virtual ? '' : `${kind.kind}List`,
    shortNames: kind.shortNames ?? [],
    categories: kind.categories ?? [],
    namespaced: kind.namespaced,
    hasStatus: kind.hasStatus === true,
    virtual,
    custom: false,
    storedAs: kind.storedAs ?? `${kind.group}/${kind.plural}`,
    selectableFields: kind.selectableFields ?? [],
    columns: kind.columns ?? [AGE],
    openapi: kind.schema,
    verbs: kind.verbs ?? (virtual ? ['create'] : STORED_VERBS),
    prune: (object) => decode(object as unknown as JsonObject, root, kind.kind, 'v1'),
    applyDefaults: (object) => kind.applyDefaults?.(object as unknown as JsonObject),
    validate: (object, old, subresource) => {
      const members = object as unknown as JsonObject;
      const before = old as unknown as JsonObject | undefined;
      const errors = kind.validate?.(members, before, subresource) ?? [];
      if (virtual || kind.skipMetadata === true) return errors;
      if (old === undefined) return [...validateMetadata(object, kind.namespaced, checkName), ...errors];
      const changed = validateMetadataUpdate(object, old);
      // The real server checks the metadata of an update both before and in the strategy, and reports both.
      return [...changed, ...changed, ...errors];
    },
    ...(prepareForCreate && { prepareForCreate }),
    ...(prepareForUpdate && {
      prepareForUpdate: (object: KubeObject, old: KubeObject, subresource?: 'status') => {
        prepareForUpdate(object, old, subresource);
      },
    }),
  };
}

/** How long ago the object was created. */
export const AGE: PrinterColumn = {
  name: 'Age',
  type: 'string',
  description:
    'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
  cell: ({ metadata }, now) => ageText(metadata.creationTimestamp, now),
};

export function ageText(timestamp: unknown, now: Date): string {
  return typeof timestamp === 'string' ? humanDuration(now.getTime() - Date.parse(timestamp)) : '<unknown>';
}
