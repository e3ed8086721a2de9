import { CORE_SCHEMA, load } from 'js-yaml';
import type { KubeObject } from '../../../kube/object.ts';
import { goQuote } from '../go-format.ts';
import { apiVersionOf } from '../resource-definition.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { badRequest, unsupportedMediaType } from '../status-error.ts';
import type { StatusError } from '../status-error.ts';
import { readFieldValidation } from '../verbs/write-options.ts';
import type { ApiRequest, ResourceCall } from './api-call.ts';
import { duplicateFields } from './duplicate-fields.ts';
import { JsonSyntaxError, parseJson } from './go-json.ts';
import { MEDIA_TYPES } from './media-types.ts';

/** The media type of a body without parameters; JSON when the client names none. */
export function mediaTypeOf({ contentType }: ApiRequest): string {
  if (contentType === '' || contentType === 'application/json') return 'application/json';
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

/** Parses a body that is JSON or YAML. Throws 415 for others, and JsonSyntaxError or YamlError. */
export function parseBody(request: ApiRequest): unknown {
  const type = mediaTypeOf(request);
  if (type === 'application/json') return parseJson(request.body);
  if (type !== 'application/yaml') throw unsupportedMediaType(MEDIA_TYPES);
  try {
    return load(request.body, { schema: CORE_SCHEMA });
  } catch (err) {
    throw new YamlError(err as Error & { reason?: string; mark?: { line: number } });
  }
}

class YamlError extends Error {
  override readonly name = 'YamlError';

  constructor({ reason, message, mark }: Error & { reason?: string; mark?: { line: number } }) {
    super(`yaml: line ${(mark?.line ?? 0) + 1}: ${reason ?? message}`);
  }
}

/** Parses the object of a create or update and applies what the schema says: prunes, checks strictly, defaults. */
export function readObject(call: ResourceCall): KubeObject {
  const { definition, request } = call;
  const value = parseObject(definition, request);
  const mode = readFieldValidation(call.query);
  const isJson = mediaTypeOf(request) === 'application/json';
  // Looking for duplicates costs as much as parsing: it is done for who asks, which kubectl does.
  const duplicates = isJson && mode !== undefined && mode !== 'Ignore' ? duplicateFields(request.body) : [];
  const object = value as KubeObject;
  checkType(object, call);
  object.metadata ??= {} as KubeObject['metadata'];
  const unknown = definition.prune(object);
  // Fields of another kind are not this kind's unknown ones; validation says what is wrong.
  const problems =
    object.kind === definition.kind
      ? [...fieldProblems('unknown', unknown), ...fieldProblems('duplicate', duplicates)]
      : [];
  report(problems, call, (why) =>
    badRequest(
      `${definition.kind} in version ${goQuote(definition.version)} cannot be handled as a ${definition.kind}: ${why}`,
    ),
  );
  definition.applyDefaults(object);
  return object;
}

export function fieldProblems(what: 'unknown' | 'duplicate', paths: readonly string[]): string[] {
  return paths.length === 0 ? [] : paths.map((path) => `${what} field ${goQuote(path)}`);
}

/** Refuses or warns of fields as `fieldValidation` asks. `refuse` makes the error. */
export function report(problems: readonly string[], call: ResourceCall, refuse: (why: string) => StatusError): void {
  if (problems.length === 0) return;
  const mode = readFieldValidation(call.query) ?? 'Warn';
  if (mode === 'Strict') throw refuse(`strict decoding error: ${problems.join(', ')}`);
  if (mode === 'Warn') call.warnings.push(...problems);
}

const TYPE_META =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function parseObject({ kind }: ResourceDefinition, request: ApiRequest): object {
  let value: unknown;
  try {
    value = parseBody(request);
  } catch (err) {
    if (err instanceof YamlError) throw unrecognized(kind, err.message, request.body);
    if (!(err instanceof JsonSyntaxError)) throw err;
    throw unrecognized(kind, `couldn't get version/kind; json parse error: ${err.message}`, request.body);
  }
  if (value === null || value === undefined)
    throw unrecognized(kind, `Object 'Kind' is missing in '${request.body}'`, request.body);
  if (typeof value === 'object' && !Array.isArray(value)) return value;
  const what = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  const why = `couldn't get version/kind; json parse error: json: cannot unmarshal ${what} into Go value of type ${TYPE_META}`;
  throw unrecognized(kind, why, request.body);
}

/** A built-in kind may be left out of the body, as the path says it; a custom one may not. */
function checkType(object: KubeObject, { definition, request, warnings }: ResourceCall): void {
  const expected = apiVersionOf(definition);
  const missing = (what: string): StatusError =>
    unrecognized(definition.kind, `Object '${what}' is missing in '${request.body}'`, request.body);
  if (!definition.custom) {
    object.kind ||= definition.kind;
    object.apiVersion ||= expected;
    if (object.apiVersion === expected && object.kind === definition.kind) return;
    const { version } = splitVersion(object.apiVersion);
    throw badRequest(
      `${object.kind} in version ${goQuote(version)} cannot be handled as a ${definition.kind}: no kind ${goQuote(object.kind)} is registered for version ${goQuote(object.apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    );
  }
  if (!object.kind) throw missing('Kind');
  if (!object.apiVersion) throw missing('apiVersion');
  // Another kind of the same version is told by validation, as the real server does.
  if (object.apiVersion === expected) return;
  const members = Object.keys(object).filter((name) => !['apiVersion', 'kind', 'metadata'].includes(name));
  warnings.push(...fieldProblems('unknown', members));
  throw badRequest(
    `the API version in the data (${object.apiVersion}) does not match the expected API version (${expected})`,
  );
}

function splitVersion(apiVersion: string): { version: string } {
  return { version: apiVersion.slice(apiVersion.indexOf('/') + 1) };
}

function unrecognized(kind: string, why: string, body: string): StatusError {
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summaryOf(body)})`);
}

/** The start of a body as the real server repeats it. */
function summaryOf(body: string): string {
  if (body === '') return '<empty>';
  const bytes = Buffer.from(body);
  const start = bytes.subarray(0, 30).toString(body.startsWith('{') ? 'utf8' : 'hex');
  return bytes.length > 30 ? `${start} ...` : start;
}
