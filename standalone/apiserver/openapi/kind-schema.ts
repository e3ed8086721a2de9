import type { ResourceDefinition } from '../resource-definition.ts';
import { isObject } from '../schema/json-schema.ts';
import type { JsonObject } from '../schema/json-schema.ts';
import { metaName, refTo } from './meta-schemas.ts';

const API_VERSION = {
  description: 'APIVersion is the version of the schema of this object.',
  type: 'string',
};
const KIND = { description: 'Kind is what this object is, in CamelCase.', type: 'string' };

/** The name of a kind's schema: the group backwards, the version and the kind, such as `io.tiangong.v1alpha1.Agent`. */
export function schemaName({ group, version, kind, custom }: ResourceDefinition): string {
  if (!custom) return `io.k8s.api.${group === '' ? 'core' : (group.split('.')[0] ?? '')}.${version}.${kind}`;
  return [...group.split('.').reverse(), version, kind].join('.');
}

const kindsOf = ({ group, version, kind }: ResourceDefinition): object => ({
  'x-kubernetes-group-version-kind': [{ group, kind, version }],
});

function selectableFieldsOf({ selectableFields }: ResourceDefinition): object {
  if (selectableFields.length === 0) return {};
  return { 'x-kubernetes-selectable-fields': selectableFields.map((fieldPath) => ({ fieldPath })) };
}

/** The schema of a kind and, where it can be listed, of its list. */
export function kindSchemas(definition: ResourceDefinition): Record<string, object> {
  const name = schemaName(definition);
  const schema = publicSchema(definition.openapi) as JsonObject;
  const extensions = { ...kindsOf(definition), ...selectableFieldsOf(definition) };
  const object = {
    ...schema,
    properties: {
      apiVersion: API_VERSION,
      kind: KIND,
      ...(isObject(schema['properties']) ? schema['properties'] : {}),
      metadata: { description: "The object's metadata.", allOf: [refTo(metaName('ObjectMeta'))] },
    },
    ...extensions,
  };
  return definition.listKind === '' ? { [name]: object } : { [name]: object, ...listSchema(definition, name) };
}

function listSchema(definition: ResourceDefinition, name: string): Record<string, object> {
  const { kind, listKind, plural } = definition;
  return {
    [`${name}List`]: {
      description: `${listKind} is a list of ${kind}`,
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: API_VERSION,
        items: { description: `List of ${plural}.`, type: 'array', items: refTo(name) },
        kind: KIND,
        metadata: { description: "The list's metadata.", allOf: [refTo(metaName('ListMeta'))] },
      },
      ...kindsOf({ ...definition, kind: listKind }),
      ...selectableFieldsOf(definition),
    },
  };
}

/** A schema without what is only for this server's own decoder. */
function publicSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(publicSchema);
  if (!isObject(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name]) => name !== 'x-go-type')
      .map(([name, value]) => [name, publicSchema(value)]),
  );
}
