import { isObject } from './json-schema.ts';
import type { JsonObject } from './json-schema.ts';

/** What a member of metadata must be, in the words of Go's decoder. */
type MetaType = 'string' | 'int64' | 'time' | 'strings' | 'stringMap' | 'owners' | 'any';

const META_TYPES: Readonly<Record<string, MetaType>> = {
  name: 'string',
  generateName: 'string',
  namespace: 'string',
  selfLink: 'string',
  uid: 'string',
  resourceVersion: 'string',
  generation: 'int64',
  creationTimestamp: 'time',
  deletionTimestamp: 'time',
  deletionGracePeriodSeconds: 'int64',
  labels: 'stringMap',
  annotations: 'stringMap',
  ownerReferences: 'owners',
  finalizers: 'strings',
  managedFields: 'any',
};

const OWNER_TYPES: Readonly<Record<string, 'string' | 'bool'>> = {
  apiVersion: 'string',
  kind: 'string',
  name: 'string',
  uid: 'string',
  controller: 'bool',
  blockOwnerDeletion: 'bool',
};

/** Metadata that cannot be read as ObjectMeta. The message is Go's, without what kind of object it was. */
export class MetadataError extends Error {
  override readonly name = 'MetadataError';
}

/**
 * Makes metadata what an ObjectMeta keeps, in place: unknown members go (their names are returned), empty ones too.
 * Throws MetadataError where a member has the wrong type. `prefix` is the path of the metadata, such as `metadata`.
 */
export function normalizeMetadata(object: JsonObject, prefix: string): string[] {
  const { metadata } = object;
  if (metadata === undefined || metadata === null) return [];
  if (!isObject(metadata))
    throw new MetadataError(`json: cannot unmarshal ${jsonType(metadata)} into Go value of type v1.ObjectMeta`);
  const unknown: string[] = [];
  for (const name in metadata) {
    const type = META_TYPES[name];
    const value = metadata[name];
    if (type === undefined) {
      unknown.push(`${prefix}.${name}`);
      delete metadata[name];
    } else {
      if (value !== null) checkMember(name, type, value, `${prefix}.${name}`, unknown);
      if (value === null || isEmpty(value)) delete metadata[name];
    }
  }
  return unknown;
}

/** Go leaves out members that hold their type's zero value. */
function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === '' || value === 0;
  for (const _ in value) return false;
  return true;
}

function checkMember(name: string, type: MetaType, value: unknown, path: string, unknown: string[]): void {
  switch (type) {
    case 'string':
      if (typeof value !== 'string') throw wrongType(value, name, 'string');
      break;
    case 'int64':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(value, name, 'int64');
      break;
    case 'time':
      if (typeof value !== 'string') throw wrongType(value, name, 'string');
      if (value !== '' && Number.isNaN(Date.parse(value)))
        throw new MetadataError(
          `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as "2006"`,
        );
      break;
    case 'strings':
      if (!Array.isArray(value)) throw wrongType(value, name, '[]string');
      for (const item of value) if (typeof item !== 'string') throw wrongType(item, name, 'string');
      break;
    case 'stringMap':
      if (!isObject(value)) throw wrongType(value, name, 'map[string]string');
      for (const key in value) {
        if (value[key] === null) value[key] = '';
        else if (typeof value[key] !== 'string') throw wrongType(value[key], name, 'string');
      }
      break;
    case 'owners':
      if (!Array.isArray(value)) throw wrongType(value, name, '[]v1.OwnerReference');
      value.forEach((owner: unknown, index) => {
        if (!isObject(owner)) throw wrongType(owner, name, 'v1.OwnerReference');
        checkOwner(owner, `${path}[${index}]`, unknown);
      });
      break;
    case 'any':
      break;
  }
}

function checkOwner(owner: JsonObject, path: string, unknown: string[]): void {
  for (const name in owner) {
    const type = OWNER_TYPES[name];
    const value = owner[name];
    if (type === undefined) {
      unknown.push(`${path}.${name}`);
      delete owner[name];
    } else if (value === null) delete owner[name];
    else if (typeof value !== (type === 'bool' ? 'boolean' : 'string'))
      throw new MetadataError(
        `json: cannot unmarshal ${jsonType(value)} into Go struct field OwnerReference.ownerReferences.${name} of type ${type === 'string' && name === 'uid' ? 'types.UID' : type}`,
      );
  }
  // Members without `omitempty` are always there.
  for (const name of ['apiVersion', 'kind', 'name', 'uid']) owner[name] ??= '';
}

function wrongType(value: unknown, name: string, type: string): MetadataError {
  return new MetadataError(
    `json: cannot unmarshal ${jsonType(value)} into Go struct field ObjectMeta.${name} of type ${type}`,
  );
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
