import type { FieldSchema, FieldsSchema } from '../../driver-action.ts';
import type { Json, Requests } from './requests.ts';

/** Types of JSON that Elasticsearch's types come as; all others come as texts. */
const JSON_TYPES: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  byte: 'integer',
  double: 'number',
  flattened: 'object',
  float: 'number',
  half_float: 'number',
  integer: 'integer',
  long: 'integer',
  nested: 'object',
  object: 'object',
  scaled_float: 'number',
  short: 'integer',
};

/** The fields of all indices that a name stands for; what stands within objects is named with dots. */
export async function discoverFields(requests: Requests, index: string, signal: AbortSignal): Promise<FieldsSchema> {
  const answer = await requests.ask({ method: 'GET', path: `/${encodeURIComponent(index)}/_mapping` }, signal);
  const types = new Map<string, string>([
    ['_id', 'string'],
    ['_index', 'string'],
  ]);
  for (const { mappings } of Object.values(answer) as { mappings?: Json }[]) addFields(types, '', mappings);
  const properties: Record<string, FieldSchema> = {};
  for (const [name, type] of types) properties[name] = { type, column_index: Object.keys(properties).length };
  return { properties };
}

function addFields(types: Map<string, string>, prefix: string, mapping: Json | undefined): void {
  for (const [name, field] of Object.entries((mapping?.['properties'] ?? {}) as Record<string, Json>)) {
    const path = `${prefix}${name}`;
    const isObject = field['properties'] !== undefined;
    types.set(path, isObject ? 'object' : (JSON_TYPES[String(field['type'])] ?? 'string'));
    addFields(types, `${path}.`, field);
  }
}
