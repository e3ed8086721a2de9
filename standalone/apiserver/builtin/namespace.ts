import type { KubeObject } from '../../../kube/object.ts';
import { invalid } from '../field-error.ts';
import type { JsonObject } from '../schema/json-schema.ts';
import { dnsLabelErrors } from '../schema/names.ts';
import { AGE, defineBuiltin } from './define-builtin.ts';
import { conditions, kindOf, list, struct, text } from './schema-parts.ts';

/** Carries the namespace's name, so that selectors can name it. */
const NAME_LABEL = 'kubernetes.io/metadata.name';

interface Namespace extends KubeObject {
  spec?: { finalizers?: string[] };
  status?: { phase?: string };
}

function labelWithName(object: KubeObject): void {
  object.metadata.labels = { ...object.metadata.labels, [NAME_LABEL]: object.metadata.name };
}

export const namespaceDefinition = defineBuiltin({
  group: '',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  hasStatus: true,
  selectableFields: ['status.phase'],
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  checkName: dnsLabelErrors,
  columns: [
    { name: 'Status', type: 'string', description: 'The status of the namespace', jsonPath: '.status.phase' },
    AGE,
  ],
  schema: kindOf('Namespace is a scope for names.', 'Namespace', {
    spec: struct('What the namespace is to be.', 'NamespaceSpec', {
      finalizers: list('Who must agree before the namespace goes away.', text('The name of a finalizer.')),
    }),
    status: struct('What the namespace is.', 'NamespaceStatus', {
      phase: text('Active, or Terminating once it is deleted.'),
      conditions: conditions('NamespaceCondition'),
    }),
  }),
  prepareForCreate: (object) => {
    const namespace = object as Namespace;
    const finalizers = namespace.spec?.finalizers ?? [];
    namespace.spec = { finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'] };
    namespace.status = { phase: 'Active' };
    labelWithName(namespace);
  },
  prepareForUpdate: (object, old, subresource) => {
    const namespace = object as Namespace;
    const before = old as Namespace;
    if (before.spec !== undefined) namespace.spec = before.spec;
    if (subresource !== 'status' && before.status !== undefined) namespace.status = before.status;
    labelWithName(namespace);
  },
  validate: (object, _old, subresource) => {
    if (subresource !== 'status') return [];
    const { metadata, status } = object as unknown as Namespace & JsonObject;
    const isDeleted = metadata.deletionTimestamp !== undefined;
    const expected = isDeleted ? 'Terminating' : 'Active';
    const why = `may only be '${expected}' if \`deletionTimestamp\` is ${isDeleted ? 'not ' : ''}empty`;
    return status?.phase === expected ? [] : [invalid('status.Phase', status?.phase ?? '', why)];
  },
});
