import type { KubeObject } from '../../../kube/object.ts';
import type { ApiResponse, ResourceCall } from '../http/api-call.ts';
import { conform, mediaTypeOf } from '../http/request-body.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { applyMergePatch } from '../patch/merge-patch.ts';
import { applyStrategicMergePatch } from '../patch/strategic-merge-patch.ts';
import { badRequest, unsupportedMediaType } from '../status-error.ts';
import type { ApiContext } from './api-context.ts';
import { updateTarget, written } from './write-verbs.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_MERGE_PATCH = 'application/strategic-merge-patch+json';

/** PATCH of an object or of its status. */
export async function patchObject(context: ApiContext, call: ResourceCall): Promise<ApiResponse> {
  const apply = patcher(call);
  const outcome = await context.writes.update(updateTarget(call, true), (old) => {
    const patched = apply(old);
    const object = { ...patched, metadata: { ...patched.metadata } };
    checkUnchanged(object, old, call);
    conform(object, call);
    return object;
  });
  return written(context, call, 200, outcome);
}

/** How the body changes an object; it leaves the object that it is given as it is. */
function patcher(call: ResourceCall): (old: KubeObject) => KubeObject {
  const { definition, request } = call;
  const accepted = definition.custom ? [JSON_PATCH, MERGE_PATCH] : [JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH];
  const type = mediaTypeOf(request);
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  const patch = parsePatch(request.body);
  if (type === JSON_PATCH) return (old) => applyJsonPatch(old, patch);
  if (type === MERGE_PATCH) return (old) => applyMergePatch(old, patch);
  return (old) => applyStrategicMergePatch(old, patch, definition);
}

function parsePatch(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (err) {
    throw badRequest(`error decoding patch: ${(err as Error).message}`);
  }
}

/** A patch cannot turn an object into another. */
function checkUnchanged(object: KubeObject, old: KubeObject, { name, namespace }: ResourceCall): void {
  const { metadata } = object;
  if (metadata.name !== name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (namespace !== '' && (metadata.namespace ?? '') !== namespace)
    throw badRequest(
      `the namespace of the object (${metadata.namespace ?? ''}) does not match the namespace on the request (${namespace})`,
    );
  if (object.kind !== old.kind || object.apiVersion !== old.apiVersion)
    throw badRequest(`the patch may not change apiVersion or kind of the object`);
}
