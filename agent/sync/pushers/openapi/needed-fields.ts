import type { FieldSchema, FieldsSchema } from '../../driver-action.ts';
import { invalidAnswer } from '../http/wire.ts';
import { bodySchema, isObject, member, pathsOf, resolve } from './document.ts';
import type { OpenapiDocument } from './document.ts';

/** Schemas may refer to themselves. */
const MAX_DEPTH = 5;

/**
 * What a consumer wants to be sent: of every POST with a JSON body the fields, named `<last segment of the path>.<field>`, those of
 * nested objects flattened with dots (facts §1.9). Throws a `PusherError` where there is none.
 */
export function neededFields(document: OpenapiDocument): FieldsSchema {
  const properties: Record<string, FieldSchema> = {};
  const required = new Set<string>();
  let bodies = 0;
  for (const [path, operations] of pathsOf(document)) {
    const schema = bodySchema(document, member(operations, 'post'));
    if (schema === undefined) continue;
    bodies += 1;
    const segment = path.split('/').findLast((part) => part !== '') ?? '';
    // A body may be a list of the objects.
    const items = resolve(document, member(schema, 'items')) ?? schema;
    collect(document, items, `${segment}.`, { properties, required }, MAX_DEPTH);
  }
  if (bodies === 0) throw invalidAnswer('No suitable POST endpoint with a requestBody found in the OpenAPI spec.');
  return { type: 'object', properties, required: [...required] };
}

interface Found {
  readonly properties: Record<string, FieldSchema>;
  readonly required: Set<string>;
}

function collect(document: OpenapiDocument, schema: unknown, prefix: string, found: Found, depth: number): void {
  const properties = member(schema, 'properties');
  if (!isObject(properties)) return;
  const names = member(schema, 'required');
  for (const [name, value] of Object.entries(properties)) {
    const field = withoutNull(document, resolve(document, value));
    if (depth > 0 && isObject(member(field, 'properties'))) {
      collect(document, field, `${prefix}${name}.`, found, depth - 1);
      continue;
    }
    found.properties[prefix + name] = { ...(isObject(field) ? field : {}), type: typeOf(field) };
    if (Array.isArray(names) && names.includes(name)) found.required.add(prefix + name);
  }
}

/** `anyOf: [{type: integer}, {type: null}]` is how FastAPI writes an optional integer. */
function withoutNull(document: OpenapiDocument, field: unknown): unknown {
  const choices = member(field, 'anyOf') ?? member(field, 'oneOf');
  if (!Array.isArray(choices)) return field;
  const others = choices
    .map((choice) => resolve(document, choice))
    .filter((choice) => member(choice, 'type') !== 'null');
  return others.length === 1 ? others[0] : field;
}

/** `any` where the schema does not say. */
function typeOf(field: unknown): string {
  const type = member(field, 'type');
  if (typeof type === 'string') return type;
  const first = Array.isArray(type) ? (type as unknown[]).find((each) => each !== 'null') : undefined;
  return typeof first === 'string' ? first : 'any';
}
