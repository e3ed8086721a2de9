import type { SchemaNode } from '../structural.ts';

/** Static type of an expression. Values of schemas stay raw JSON: the type says how to read them. */
export type CelType =
  | { readonly kind: 'int' | 'uint' | 'double' | 'string' | 'bool' | 'bytes' | 'null' | 'dyn' | 'type' }
  | { readonly kind: 'timestamp' | 'duration' }
  /** Kept without a schema: it can be compared, not read. */
  | { readonly kind: 'opaque' }
  | { readonly kind: 'list'; readonly item: CelType; readonly node?: SchemaNode }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
  | {
      readonly kind: 'object';
      readonly fields: ReadonlyMap<string, Field>;
      readonly byName: ReadonlyMap<string, Field>;
    }
  | { readonly kind: 'optional'; readonly value: CelType };

export interface Field {
  /** As JSON has it. */
  readonly name: string;
  readonly type: CelType;
}

export const INT: CelType = { kind: 'int' };
export const DOUBLE: CelType = { kind: 'double' };
export const STRING: CelType = { kind: 'string' };
export const BOOL: CelType = { kind: 'bool' };
export const BYTES: CelType = { kind: 'bytes' };
export const NULL: CelType = { kind: 'null' };
export const DYN: CelType = { kind: 'dyn' };
export const TYPE: CelType = { kind: 'type' };
export const TIMESTAMP: CelType = { kind: 'timestamp' };
export const DURATION: CelType = { kind: 'duration' };
const OPAQUE: CelType = { kind: 'opaque' };

export const listOf = (item: CelType): CelType => ({ kind: 'list', item });
export const optionalOf = (value: CelType): CelType => ({ kind: 'optional', value });

const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
const ESCAPES: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/** The identifier that stands for a property in an expression; undefined when there is none. */
function escapeName(name: string): string | undefined {
  if (!/^[A-Za-z_./-][\w./-]*$/.test(name)) return undefined;
  return RESERVED.has(name) ? `__${name}__` : name.replace(/__|[-./]/g, (found) => ESCAPES[found] ?? found);
}

/**
 * The type that a schema gives to expressions, or undefined when it gives none: then the field cannot be named, though
 * comparisons of what holds it look at it. `root`: metadata.name, metadata.generateName, kind and apiVersion are known.
 */
export function typeOfSchema(node: SchemaNode, root: boolean): CelType | undefined {
  if (node.intOrString) return DYN;
  const [type] = node.types;
  switch (type) {
    case 'array': {
      const item = node.items && typeOfSchema(node.items, node.items.embedded);
      return item && { kind: 'list', item, node };
    }
    case 'object':
      return typeOfObject(node, root);
    case 'string':
      return typeOfString(node.schema.format);
    case 'boolean':
      return BOOL;
    case 'number':
      return DOUBLE;
    case 'integer':
      return INT;
    default:
      return undefined;
  }
}

function typeOfObject(node: SchemaNode, root: boolean): CelType | undefined {
  if (node.additional !== undefined && !root) {
    const value = typeOfSchema(node.additional, node.additional.embedded);
    return value && { kind: 'map', key: STRING, value };
  }
  const fields = new Map<string, Field>();
  const byName = new Map<string, Field>();
  for (const { name, node: child } of node.propertyList) {
    const type = typeOfSchema(child, child.embedded);
    const escaped = escapeName(name);
    byName.set(name, { name, type: type ?? OPAQUE });
    if (type !== undefined && escaped !== undefined) fields.set(escaped, { name, type });
  }
  if (root) {
    const metadata = objectType([
      ['name', STRING],
      ['generateName', STRING],
    ]);
    for (const [name, type] of [
      ['kind', STRING],
      ['apiVersion', STRING],
      ['metadata', metadata],
    ] as const) {
      fields.set(name, { name, type });
      byName.set(name, { name, type });
    }
  }
  return { kind: 'object', fields, byName };
}

function objectType(entries: readonly (readonly [string, CelType])[]): CelType {
  const fields = new Map(entries.map(([name, type]) => [name, { name, type }]));
  return { kind: 'object', fields, byName: fields };
}

function typeOfString(format: string | undefined): CelType {
  switch (format) {
    case 'byte':
      return BYTES;
    case 'duration':
      return DURATION;
    case 'date':
    case 'date-time':
      return TIMESTAMP;
    default:
      return STRING;
  }
}

/** As cel-go names types in errors. */
export function typeName(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${typeName(type.item)})`;
    case 'map':
      return `map(${typeName(type.key)}, ${typeName(type.value)})`;
    case 'optional':
      return `optional_type(${typeName(type.value)})`;
    case 'timestamp':
    case 'duration':
      return `google.protobuf.${type.kind === 'timestamp' ? 'Timestamp' : 'Duration'}`;
    case 'object':
      return 'object';
    case 'opaque':
      return 'dyn';
    default:
      return type.kind;
  }
}

const SCALARS = new Set(['int', 'uint', 'double', 'string', 'bool', 'bytes']);

/** Whether a value of one type may stand where the other is asked for, before anything runs. */
export function compatible(a: CelType, b: CelType): boolean {
  if (a === b || a.kind === 'dyn' || b.kind === 'dyn') return true;
  if (a.kind === 'null') return !SCALARS.has(b.kind);
  if (b.kind === 'null') return !SCALARS.has(a.kind);
  if (a.kind === 'list' && b.kind === 'list') return compatible(a.item, b.item);
  if (a.kind === 'map' && b.kind === 'map') return compatible(a.key, b.key) && compatible(a.value, b.value);
  if (a.kind === 'optional' && b.kind === 'optional') return compatible(a.value, b.value);
  if (a.kind === 'object' && b.kind === 'object') return true;
  return a.kind === b.kind;
}

/** The one of two compatible types that says more. */
export function join(a: CelType, b: CelType): CelType {
  if (a.kind === 'dyn' || b.kind === 'dyn') return DYN;
  if (a.kind === 'null') return b;
  if (a.kind === 'list' && b.kind === 'list') return a.node ? a : b.node ? b : listOf(join(a.item, b.item));
  return a;
}
