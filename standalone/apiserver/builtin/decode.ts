import { badRequest } from '../status-error.ts';
import { isObject } from '../schema/json-schema.ts';
import type { JsonObject } from '../schema/json-schema.ts';
import { MetadataError, normalizeMetadata } from '../schema/object-meta.ts';
import { prune } from '../schema/prune.ts';
import type { SchemaNode } from '../schema/structural.ts';
import type { BuiltinSchema } from './schema-parts.ts';

const RFC3339_MICRO = '2006-01-02T15:04:05.000000Z07:00';
const RFC3339 = '2006-01-02T15:04:05Z07:00';

class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/**
 * Makes an object what Go's decoder keeps of it, in place: unknown members and nulls go. Returns the unknown ones. Throws
 * 400 where a member has the wrong type, in the decoder's words; values are never repeated, as Secrets pass here.
 */
export function decode(object: JsonObject, node: SchemaNode, kind: string, version: string): string[] {
  try {
    const unknown = decodeMetadata(object, kind);
    checkMembers(object, node, kind, '');
    const dropped = prune(object, node);
    return unknown.length === 0 ? dropped : [...unknown, ...dropped];
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${error.message}`);
  }
}

function decodeMetadata(object: JsonObject, kind: string): string[] {
  if (object['metadata'] !== undefined && object['metadata'] !== null && !isObject(object['metadata']))
    throw wrongType(object['metadata'], `${kind}.metadata`, 'v1.ObjectMeta');
  try {
    return normalizeMetadata(object, 'metadata');
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
    throw new DecodeError(
      error.message
        .replace('field ObjectMeta.', 'field ObjectMeta.metadata.')
        .replace('field OwnerReference.', 'field OwnerReference.metadata.'),
    );
  }
}

function checkMembers(object: JsonObject, node: SchemaNode, struct: string, path: string): void {
  for (const name in object) {
    const child = node.properties.get(name)?.node;
    if (child === undefined || name === 'metadata') continue;
    if (object[name] === null) {
      if (!child.nullable) Reflect.deleteProperty(object, name);
    } else {
      check(object[name], child, struct, path === '' ? name : `${path}.${name}`);
      if (isEmpty(object[name], child)) Reflect.deleteProperty(object, name);
    }
  }
}

/** Go's encoder leaves out lists and maps that hold nothing; a struct stays. */
function isEmpty(value: unknown, node: SchemaNode): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return node.additional !== undefined && isObject(value) && Object.keys(value).length === 0;
}

const goTypeOf = (node: SchemaNode): string => (node.schema as BuiltinSchema)['x-go-type'] ?? '';

function check(value: unknown, node: SchemaNode, struct: string, path: string): void {
  const field = `${struct}.${path}`;
  switch (node.types[0]) {
    case 'string':
      checkText(value, node, field);
      break;
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(value, field, 'bool');
      break;
    case 'integer':
      if (
        typeof value !== 'number' ||
        !Number.isInteger(value) ||
        (node.format === 'int32' && Math.abs(value) > 2 ** 31)
      )
        throw wrongType(value, field, node.format === '' ? 'int64' : node.format, true);
      break;
    case 'array':
      if (!Array.isArray(value)) throw wrongType(value, field, `[]${goNameOf(node.items)}`);
      for (const item of value) if (node.items !== undefined) check(item, node.items, struct, path);
      break;
    case 'object':
      checkObject(value, node, field, path);
      break;
    default:
  }
}

function checkObject(value: unknown, node: SchemaNode, field: string, path: string): void {
  const { additional } = node;
  if (!isObject(value)) throw wrongType(value, field, goNameOf(node));
  if (additional === undefined) {
    checkMembers(value, node, goTypeOf(node), path);
    return;
  }
  for (const key in value) {
    if (value[key] === null) value[key] = '';
    else check(value[key], additional, field.slice(0, field.indexOf('.')), path);
  }
}

function checkText(value: unknown, node: SchemaNode, field: string): void {
  if (typeof value !== 'string') throw wrongType(value, field, goNameOf(node));
  if (node.format === 'byte') checkBase64(value);
  if (node.format !== 'date-time') return;
  const isMicro = goTypeOf(node) === 'MicroTime';
  const match = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}((?:\.\d+)?)(Z|[+-]\d{2}:\d{2})$/.exec(value);
  const layout = isMicro ? RFC3339_MICRO : RFC3339;
  if (match === null || Number.isNaN(Date.parse(value)))
    throw new DecodeError(
      `parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(value)} as "2006"`,
    );
  const [, fraction = '', zone = ''] = match;
  if (!isMicro || fraction.length === 7) return;
  // Go reads six digits and then wants the zone.
  const [rest, wanted] = fraction.length > 7 ? [fraction.slice(7), 'Z07:00'] : [fraction, '.000000'];
  throw new DecodeError(
    `parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest + zone)} as ${JSON.stringify(wanted)}`,
  );
}

/** Where Go's decoder stops: at the first character that is none of base64's, or that stands where none may. */
function checkBase64(text: string): void {
  if (/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text.replace(/[\r\n]/g, ''))) return;
  const bad = text.search(/[^A-Za-z0-9+/\r\n]/);
  throw new DecodeError(`illegal base64 data at input byte ${bad < 0 ? text.length - (text.length % 4) : bad}`);
}

function goNameOf(node: SchemaNode | undefined): string {
  if (node === undefined) return 'string';
  const goType = goTypeOf(node);
  if (node.types[0] === 'object')
    return node.additional === undefined ? `v1.${goType}` : `map[string]${goNameOf(node.additional)}`;
  if (node.format === 'byte') return '[]uint8';
  if (node.types[0] === 'array') return `[]${goNameOf(node.items)}`;
  return goType !== '' && goType !== 'MicroTime' ? goType : (node.types[0] ?? 'string');
}

function wrongType(value: unknown, field: string, type: string, namesNumber = false): DecodeError {
  const actual = Array.isArray(value)
    ? 'array'
    : typeof value === 'boolean'
      ? 'bool'
      : value === null
        ? 'null'
        : namesNumber && typeof value === 'number'
          ? `number ${value}`
          : typeof value;
  return new DecodeError(`json: cannot unmarshal ${actual} into Go struct field ${field} of type ${type}`);
}
