import { forbidden, invalid } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { deepEqual } from '../schema/correlation.ts';
import type { JsonObject } from '../schema/json-schema.ts';
import { configKeyErrors } from '../schema/names.ts';
import { AGE, defineBuiltin } from './define-builtin.ts';
import { base64, flag, kindOf, mapOf, text } from './schema-parts.ts';

/** All values together, in bytes. */
export const MAX_DATA_BYTES = 1024 * 1024;

interface ConfigMap extends JsonObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
  immutable?: boolean;
}

/** What may not change once `immutable` is set. */
export function immutableErrors(object: JsonObject, old: JsonObject, fields: readonly string[]): FieldError[] {
  if (old['immutable'] !== true) return [];
  const changed = fields.filter((name) => !deepEqual(object[name] ?? {}, old[name] ?? {}));
  if (object['immutable'] !== true) changed.unshift('immutable');
  return changed.map((name) => forbidden(name, 'field is immutable when `immutable` is set'));
}

export const decodedLength = (text: string): number => Buffer.byteLength(text, 'base64');

function dataErrors({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    for (const message of configKeyErrors(key)) errors.push(invalid(`data[${key}]`, key, message));
    if (Object.hasOwn(binaryData, key))
      errors.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    bytes += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    for (const message of configKeyErrors(key)) errors.push(invalid(`binaryData[${key}]`, key, message));
    bytes += decodedLength(value);
  }
  if (bytes > MAX_DATA_BYTES)
    errors.push({
      // As the real server names the object itself.
      field: '[]',
      type: 'FieldValueTooLong',
      message: `Too long: may not be more than ${MAX_DATA_BYTES} bytes`,
    });
  return errors;
}

export const configMapDefinition = defineBuiltin({
  group: '',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  columns: [
    {
      name: 'Data',
      type: 'string',
      description: 'How many keys there are.',
      cell: (object) => {
        const { data = {}, binaryData = {} } = object as unknown as ConfigMap;
        return Object.keys(data).length + Object.keys(binaryData).length;
      },
    },
    AGE,
  ],
  schema: kindOf('ConfigMap holds configuration for programs to read.', 'ConfigMap', {
    data: mapOf('Values that are text.', text('A value.')),
    binaryData: mapOf('Values that are bytes, in base64.', base64('A value.')),
    immutable: flag('Whether the data may never change again.'),
  }),
  validate: (object, old) => [
    ...(old === undefined ? [] : immutableErrors(object, old, ['data', 'binaryData'])),
    ...dataErrors(object),
  ],
});
