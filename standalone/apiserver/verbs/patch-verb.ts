import type { KubeObject } from '../../../kube/object.ts';
import { invalid as invalidField } from '../field-error.ts';
import { goJson } from '../go-format.ts';
import type { ApiResponse, ResourceCall } from '../http/api-call.ts';
import { duplicateFields } from '../http/duplicate-fields.ts';
import { JsonSyntaxError, parseJson } from '../http/go-json.ts';
import { fieldProblems, mediaTypeOf, report } from '../http/request-body.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { applyMergePatch } from '../patch/merge-patch.ts';
import { applyStrategicMergePatch } from '../patch/strategic-merge-patch.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { badRequest, invalid, StatusError, unsupportedMediaType } from '../status-error.ts';
import type { ApiContext } from './api-context.ts';
import { readFieldValidation } from './write-options.ts';
import { mark, updateTarget, written } from './write-verbs.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_MERGE_PATCH = 'application/strategic-merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';

/** PATCH of an object or of its status. */
export async function patchObject(context: ApiContext, call: ResourceCall): Promise<ApiResponse> {
  const apply = patcher(call);
  const target = updateTarget(call, 'PatchOptions', true);
  const outcome = await context.writes.update(target, (old) => {
    const patched = apply(old);
    const object = { ...patched, metadata: { ...patched.metadata } };
    checkUnchanged(object, old, call);
    conform(object, call);
    mark(context, call, object, old);
    return object;
  });
  return written(context, call, 200, outcome);
}

/** How the body changes an object; it leaves the object that it is given as it is. */
function patcher(call: ResourceCall): (old: KubeObject) => KubeObject {
  const { definition, request } = call;
  const accepted = definition.custom ? [JSON_PATCH, MERGE_PATCH] : [JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH];
  const type = mediaTypeOf(request);
  if (type === APPLY_PATCH) throw noServerSideApply(accepted);
  // The real server names apply patches too; kubectl takes the list for what it may send next.
  if (!accepted.includes(type)) throw unsupportedMediaType([...accepted, APPLY_PATCH]);
  const patch = parsePatch(request.body);
  if (type === JSON_PATCH) return (old) => applyJsonPatch(old, patch);
  if (type === MERGE_PATCH) return (old) => applyMergePatch(old, patch);
  return (old) => applyStrategicMergePatch(old, patch, definition);
}

/** Prunes and defaults a patched object, and reports what the patch brought that the schema does not know. */
function conform(object: KubeObject, call: ResourceCall): void {
  const { definition, query, request } = call;
  const mode = readFieldValidation(query);
  const whole = mode === 'Strict' ? goJson(object) : '';
  const isMerge = mediaTypeOf(request) === MERGE_PATCH;
  const duplicates = isMerge && mode !== undefined && mode !== 'Ignore' ? duplicateFields(request.body) : [];
  const problems = [...fieldProblems('duplicate', duplicates), ...fieldProblems('unknown', prune(object, definition))];
  report(problems, call, (why) => invalid({ group: '', name: '' }, '', [invalidField('patch', whole, why)]));
  definition.applyDefaults(object);
}

/** What makes a body unreadable makes a patch invalid. */
function prune(object: KubeObject, definition: ResourceDefinition): string[] {
  try {
    return definition.prune(object);
  } catch (err) {
    const [, why] = /^.* cannot be handled as a \w+: (.*)$/s.exec(err instanceof StatusError ? err.message : '') ?? [];
    if (why === undefined) throw err;
    throw invalid({ group: '', name: '' }, '', [invalidField('patch', goJson(object), why)]);
  }
}

function noServerSideApply(accepted: readonly string[]): StatusError {
  const { code, reason, message } = unsupportedMediaType(accepted);
  return new StatusError(code, reason, `server-side apply is not supported by this server; ${message}`);
}

function parsePatch(body: string): unknown {
  try {
    return parseJson(body);
  } catch (err) {
    if (!(err instanceof JsonSyntaxError)) throw err;
    throw badRequest(`error decoding patch: ${err.message}`);
  }
}

/** A patch cannot turn an object into another. */
function checkUnchanged(object: KubeObject, old: KubeObject, { name, namespace }: ResourceCall): void {
  const { metadata } = object;
  if (metadata.name !== name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (namespace !== '' && (metadata.namespace ?? '') !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (object.kind !== old.kind || object.apiVersion !== old.apiVersion)
    throw badRequest(`the patch may not change apiVersion or kind of the object`);
}
