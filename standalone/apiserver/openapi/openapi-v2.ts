import type { JsonSchema } from '../schema/json-schema.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/** A kind with the name that its schema has in OpenAPI, such as `io.tiangong.v1alpha1.Agent`. */
export interface NamedKind {
  readonly modelName: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: JsonSchema;
}

export const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/**
 * The document of `/openapi/v2` as a protocol buffer (`openapi.v2.Document` of google/gnostic), which is the only form
 * that kubectl asks for. It validates objects by it that come inside a `kind: List`: so it holds what kubectl looks at
 * there (types, properties, required fields), and neither paths nor bounds, which the server checks anyway.
 */
export function openapiV2(kinds: readonly NamedKind[], version: string): Uint8Array {
  const definitions = new ProtobufWriter();
  for (const kind of kinds) {
    definitions.message(1, named(kind.modelName, schemaMessage(kind.schema).message(31, groupVersionKind(kind))));
  }
  return new ProtobufWriter()
    .text(1, '2.0')
    .message(2, new ProtobufWriter().text(1, 'Kubernetes').text(2, version))
    .message(8, new ProtobufWriter())
    .message(9, definitions)
    .finish();
}

const named = (name: string, value: ProtobufWriter): ProtobufWriter =>
  new ProtobufWriter().text(1, name).message(2, value);

function groupVersionKind({ group, version, kind }: NamedKind): ProtobufWriter {
  const yaml = `- group: "${group}"\n  kind: ${kind}\n  version: ${version}\n`;
  return named('x-kubernetes-group-version-kind', new ProtobufWriter().text(2, yaml));
}

function schemaMessage(schema: JsonSchema): ProtobufWriter {
  const message = new ProtobufWriter().text(4, schema.description);
  // Where anything may stand, a schema without a type says so; kubectl would refuse fields that it does not list.
  if (schema['x-kubernetes-preserve-unknown-fields'] === true || schema['x-kubernetes-int-or-string'] === true)
    return message;
  message.text(2, schema.format);
  for (const field of schema.required ?? []) message.text(19, field);
  const { additionalProperties, properties, items, type } = schema;
  if (additionalProperties !== undefined) message.message(21, additional(additionalProperties));
  // A null for a nullable field is right, and kubectl knows no such thing.
  if (type !== undefined && schema.nullable !== true) message.message(22, new ProtobufWriter().text(1, type));
  if (items !== undefined) message.message(23, new ProtobufWriter().message(1, schemaMessage(items)));
  if (properties !== undefined) {
    const members = new ProtobufWriter();
    for (const [name, property] of Object.entries(properties)) members.message(1, named(name, schemaMessage(property)));
    message.message(25, members);
  }
  return message;
}

function additional(schema: JsonSchema | boolean): ProtobufWriter {
  return typeof schema === 'boolean'
    ? new ProtobufWriter().flag(2, schema)
    : new ProtobufWriter().message(1, schemaMessage(schema));
}
