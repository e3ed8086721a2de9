import type { KubeObject } from '../../../kube/object.ts';
import type { CrdNames, CustomResourceDefinition } from '../schema/crd-object.ts';
import { validateCrd } from '../schema/crd-validation.ts';
import { prepareForUpdate } from '../schema/custom-strategy.ts';
import { isObject } from '../schema/json-schema.ts';
import type { JsonSchema } from '../schema/json-schema.ts';
import { defineBuiltin } from './define-builtin.ts';
import { conditions, flag, int32, kindOf, list, struct, text } from './schema-parts.ts';

const NAMES = struct('What the kind is called.', 'CustomResourceDefinitionNames', {
  plural: text('The name of the resource in paths.'),
  singular: text('The name of one object; the kind in lower case unless set.'),
  kind: text('The kind, in CamelCase.'),
  listKind: text('The kind of a list; the kind and List unless set.'),
  shortNames: list('Short names for kubectl.', text('A short name.')),
  categories: list('Groups of resources that kubectl can name together.', text('A category.')),
});

const COLUMN = struct('A column of a table.', 'CustomResourceColumnDefinition', {
  name: text('The heading.'),
  type: text('The OpenAPI type of the values.'),
  format: text('The OpenAPI format of the values.'),
  description: text('What the column shows.'),
  priority: int32('0 is always shown; higher ones in wide tables only.'),
  jsonPath: text('Where the value stands.'),
});

const FREE_FORM: JsonSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

const VERSION = struct('A version of the kind.', 'CustomResourceDefinitionVersion', {
  name: text('The version, such as v1.'),
  served: flag('Whether the version is served.'),
  storage: flag('Whether objects are stored in this version; of exactly one version.'),
  deprecated: flag('Whether clients are warned of the version.'),
  deprecationWarning: text('What clients are warned with.'),
  schema: struct('What objects look like.', 'CustomResourceValidation', {
    openAPIV3Schema: { ...FREE_FORM, description: 'The schema of objects.' },
  }),
  subresources: { ...FREE_FORM, description: 'Which subresources there are.' },
  additionalPrinterColumns: list('The columns of tables.', COLUMN),
  selectableFields: list(
    'The fields that field selectors may name.',
    struct('A field.', 'SelectableField', { jsonPath: text('Where the field stands.') }),
  ),
});

function setDefaults({ spec }: CustomResourceDefinition): void {
  if (!isObject(spec)) return;
  if (isObject(spec.names)) {
    const { kind } = spec.names;
    if (typeof kind === 'string' && kind !== '') {
      spec.names.singular ||= kind.toLowerCase();
      spec.names.listKind ||= `${kind}List`;
    }
  }
  spec.conversion ??= { strategy: 'None' };
}

/** Conditions as the real server's controllers set them, at once: names are not compared with those of other CRDs. */
function setStatus(crd: CustomResourceDefinition, before: CustomResourceDefinition | undefined): void {
  const known = before?.status?.conditions ?? [];
  const lastTransitionTime = crd.metadata.creationTimestamp ?? '';
  const condition = (type: string, reason: string, message: string): (typeof known)[number] =>
    known.find((one) => one.type === type && one.status === 'True') ?? {
      lastTransitionTime,
      message,
      reason,
      status: 'True',
      type,
    };
  const storage = crd.spec.versions.find((version) => version.storage)?.name ?? '';
  const stored = before?.status?.storedVersions ?? [];
  crd.status = {
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    acceptedNames: acceptedNames(crd.spec.names),
    storedVersions: stored.includes(storage) ? stored : [...stored, storage],
  };
}

const acceptedNames = (names: CrdNames): CrdNames => structuredClone(names);

const isComplete = (crd: CustomResourceDefinition): boolean =>
  isObject(crd.spec) && isObject(crd.spec.names) && Array.isArray(crd.spec.versions);

export const customResourceDefinition = defineBuiltin({
  group: 'apiextensions.k8s.io',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  hasStatus: true,
  columns: [
    {
      name: 'Created At',
      type: 'date',
      description: 'When the kind was defined.',
      cell: ({ metadata }) => metadata.creationTimestamp ?? '<unknown>',
    },
  ],
  schema: kindOf('CustomResourceDefinition adds a kind to the API.', 'CustomResourceDefinition', {
    spec: struct('What the kind is to be.', 'CustomResourceDefinitionSpec', {
      group: text('The group of the kind.'),
      scope: text('Namespaced or Cluster.'),
      names: NAMES,
      versions: list('The versions of the kind.', VERSION),
      conversion: { ...FREE_FORM, description: 'How objects are converted between versions.' },
      preserveUnknownFields: flag('Must be false: unknown fields are dropped.'),
    }),
    status: struct('What the kind is.', 'CustomResourceDefinitionStatus', {
      conditions: conditions('CustomResourceDefinitionCondition'),
      acceptedNames: NAMES,
      storedVersions: list('The versions that objects have been stored in.', text('A version.')),
    }),
  }),
  applyDefaults: (object) => {
    setDefaults(object as unknown as CustomResourceDefinition);
  },
  prepareForCreate: (object) => {
    const crd = object as CustomResourceDefinition;
    setDefaults(crd);
    object.metadata.generation = 1;
    if (isComplete(crd)) setStatus(crd, undefined);
  },
  prepareForUpdate: (object: KubeObject, old: KubeObject, subresource) => {
    const crd = object as CustomResourceDefinition;
    prepareForUpdate(object, old, true, subresource);
    if (subresource === 'status') return;
    setDefaults(crd);
    if (isComplete(crd)) setStatus(crd, old as CustomResourceDefinition);
  },
  validate: (object, old, subresource) =>
    subresource === 'status'
      ? []
      : validateCrd(
          object as unknown as CustomResourceDefinition,
          old as unknown as CustomResourceDefinition | undefined,
        ),
});
