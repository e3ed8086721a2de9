import { load, CORE_SCHEMA } from 'js-yaml';
import type { KubeObject } from '../../../kube/object.ts';
import { goQuote } from '../go-format.ts';
import { apiVersionOf } from '../resource-definition.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { badRequest, unsupportedMediaType } from '../status-error.ts';
import type { ApiRequest, ResourceCall } from './api-call.ts';
import { duplicateFields } from './duplicate-fields.ts';

const ACCEPTED = ['application/json', 'application/yaml'];

/** The media type of a body without parameters; JSON when the client names none. */
export function mediaTypeOf({ contentType }: ApiRequest): string {
  if (contentType === '' || contentType === 'application/json') return 'application/json';
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

/** Parses a body that is JSON or YAML. `what` is the kind that it should be. */
export function parseBody(request: ApiRequest, what: string): unknown {
  const type = mediaTypeOf(request);
  if (!ACCEPTED.includes(type)) throw unsupportedMediaType(ACCEPTED);
  try {
    return type === 'application/json' ? JSON.parse(request.body) : load(request.body, { schema: CORE_SCHEMA });
  } catch (err) {
    throw unrecognized(what, `couldn't get version/kind; json parse error: ${(err as Error).message}`, request.body);
  }
}

/** Parses the object of a create or update and applies what the schema says: prunes, checks strictly, defaults. */
export function readObject(call: ResourceCall): KubeObject {
  const { definition, request } = call;
  const value = parseBody(request, definition.kind);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unrecognized(
      definition.kind,
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${goType(value)} into Go value of type struct`,
      request.body,
    );
  const object = value as KubeObject;
  const mode = readFieldValidation(call.query);
  const duplicates =
    mode === 'Ignore' || mediaTypeOf(request) !== 'application/json' ? [] : duplicateFields(request.body);
  checkType(object, call, request.body);
  if (typeof object.metadata !== 'object' || object.metadata === null) object.metadata = {} as KubeObject['metadata'];
  conform(object, call, duplicates);
  return object;
}

/** Prunes and defaults an object in place, and reports or refuses unknown fields as `fieldValidation` asks. */
export function conform(object: KubeObject, call: ResourceCall, duplicates: readonly string[] = []): void {
  const { definition } = call;
  const unknown = definition.prune(object);
  if (unknown.length > 0 || duplicates.length > 0) {
    const problems = [
      ...unknown.map((path) => `unknown field ${goQuote(path)}`),
      ...duplicates.map((path) => `duplicate field ${goQuote(path)}`),
    ];
    const mode = readFieldValidation(call.query);
    if (mode === 'Strict') throw strictError(definition, problems);
    if (mode === 'Warn') call.warnings.push(...problems);
  }
  definition.applyDefaults(object);
}

export function strictError({ kind, version }: ResourceDefinition, problems: readonly string[]): Error {
  return badRequest(
    `${kind} in version ${goQuote(version)} cannot be handled as a ${kind}: strict decoding error: ${problems.join(', ')}`,
  );
}

function readFieldValidation(query: URLSearchParams): 'Strict' | 'Warn' | 'Ignore' {
  const value = query.get('fieldValidation') ?? '';
  return value === 'Strict' || value === 'Ignore' ? value : 'Warn';
}

function checkType(object: KubeObject, { definition }: ResourceCall, body: string): void {
  const expected = apiVersionOf(definition);
  if (!definition.custom) {
    object.kind ||= definition.kind;
    object.apiVersion ||= expected;
  }
  if (!object.kind) throw unrecognized(definition.kind, `Object 'Kind' is missing in ${goQuoted(body)}`, body);
  if (!object.apiVersion)
    throw unrecognized(definition.kind, `Object 'apiVersion' is missing in ${goQuoted(body)}`, body);
  if (object.kind === definition.kind && object.apiVersion === expected) return;
  if (object.apiVersion !== expected)
    throw badRequest(
      `the API version in the data (${object.apiVersion}) does not match the expected API version (${expected})`,
    );
  throw badRequest(
    `${object.kind} in version ${goQuote(definition.version)} cannot be handled as a ${definition.kind}: no kind ${goQuote(object.kind)} is registered for version ${goQuote(expected)}`,
  );
}

const goQuoted = (body: string): string => `'${body.length > 1024 ? body.slice(0, 1024) : body}'`;

function unrecognized(kind: string, why: string, body: string): Error {
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summaryOf(body)})`);
}

/** The start of a body as the real server repeats it. */
function summaryOf(body: string): string {
  if (body === '') return '<empty>';
  const shown = body.startsWith('{') ? body.slice(0, 30) : Buffer.from(body).subarray(0, 30).toString('hex');
  return body.length > 30 ? `${shown} ...` : shown;
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value;
}
