import type { JsonSchema, ValidationRule } from './json-schema.ts';
import { isObject } from './json-schema.ts';
import { formatOf } from './formats.ts';
import type { Format } from './formats.ts';
import { toRegExp } from './re2.ts';

/** A property of a node, with the segment that paths show for it. */
export interface Property {
  readonly name: string;
  readonly segment: string;
  readonly node: SchemaNode;
}

/** A schema made ready for fast walks: lookups are maps, patterns are compiled, extensions have plain names. */
export interface SchemaNode {
  /** Allowed JSON types; empty allows any. `integer,string` in errors for int-or-string. */
  readonly types: readonly string[];
  readonly typeText: string;
  readonly nullable: boolean;
  /** The format as the schema names it, where the real server knows it. */
  readonly format: string;
  readonly checkFormat: Format | undefined;
  readonly schema: JsonSchema;
  readonly pattern: RegExp | undefined;
  readonly enumValues: ReadonlySet<unknown> | undefined;
  readonly properties: ReadonlyMap<string, Property>;
  readonly propertyList: readonly Property[];
  readonly additional: SchemaNode | undefined;
  /** Whether `additionalProperties: true` keeps unknown fields as they are. */
  readonly anyAdditional: boolean;
  readonly items: SchemaNode | undefined;
  readonly required: readonly string[];
  readonly preserve: boolean;
  readonly embedded: boolean;
  readonly intOrString: boolean;
  readonly listType: 'atomic' | 'set' | 'map';
  readonly listMapKeys: readonly string[];
  readonly default: unknown;
  readonly allOf: readonly SchemaNode[];
  readonly anyOf: readonly SchemaNode[];
  readonly oneOf: readonly SchemaNode[];
  readonly not: SchemaNode | undefined;
  readonly rules: readonly ValidationRule[];
  /** Whether any default stands in this node or below. */
  readonly hasDefaults: boolean;
  /** Whether lists of type set or map stand in this node or below. */
  readonly hasUniqueLists: boolean;
  /** Whether embedded resources stand in this node or below. */
  readonly hasEmbedded: boolean;
}

const FREE_FORM: JsonSchema = {};

export function compileSchema(schema: JsonSchema): SchemaNode {
  const propertyList = Object.entries(schema.properties ?? {}).map(([name, child]): Property => ({
    name,
    segment: `.${name}`,
    node: compileSchema(child),
  }));
  const additionalSchema = isObject(schema.additionalProperties)
    ? (schema.additionalProperties as JsonSchema)
    : undefined;
  const additional = additionalSchema && compileSchema(additionalSchema);
  const items = schema.items && compileSchema(schema.items);
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const types = intOrString
    ? ['integer', 'string']
    : schema.type === undefined || schema.type === ''
      ? []
      : [schema.type];
  const listType = schema['x-kubernetes-list-type'] ?? 'atomic';
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const children = [
    ...propertyList.map(({ node }) => node),
    ...(additional ? [additional] : []),
    ...(items ? [items] : []),
  ];
  const format = formatOf(types, schema.format);
  return {
    types,
    typeText: types.join(','),
    nullable: schema.nullable === true,
    format: format.name,
    checkFormat: format.check,
    schema,
    pattern: schema.pattern === undefined || schema.pattern === '' ? undefined : toRegExp(schema.pattern),
    enumValues: schema.enum && new Set(schema.enum),
    properties: new Map(propertyList.map((property) => [property.name, property])),
    propertyList,
    additional,
    anyAdditional: schema.additionalProperties === true,
    items,
    required: schema.required ?? [],
    preserve: schema['x-kubernetes-preserve-unknown-fields'] === true,
    embedded,
    intOrString,
    listType,
    listMapKeys: schema['x-kubernetes-list-map-keys'] ?? [],
    default: schema.default,
    allOf: (schema.allOf ?? []).map(compileSchema),
    anyOf: (schema.anyOf ?? []).map(compileSchema),
    oneOf: (schema.oneOf ?? []).map(compileSchema),
    not: schema.not && compileSchema(schema.not),
    rules: schema['x-kubernetes-validations'] ?? [],
    hasDefaults: schema.default !== undefined || children.some((child) => child.hasDefaults),
    hasUniqueLists: listType !== 'atomic' || children.some((child) => child.hasUniqueLists),
    hasEmbedded: embedded || children.some((child) => child.hasEmbedded),
  };
}

/** The root of a resource: `apiVersion`, `kind` and `metadata` are always known. */
export function compileRoot(schema: JsonSchema | undefined): SchemaNode {
  const root = compileSchema({ ...(schema ?? FREE_FORM), type: 'object', 'x-kubernetes-embedded-resource': true });
  const children = [...root.propertyList.map(({ node }) => node), ...(root.additional ? [root.additional] : [])];
  return { ...root, hasEmbedded: children.some((child) => child.hasEmbedded) };
}

export function childOf(node: SchemaNode | undefined, name: string): SchemaNode | undefined {
  return node?.properties.get(name)?.node ?? node?.additional;
}
