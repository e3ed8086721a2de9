import type { ApiResponse, ResourceCall } from '../http/api-call.ts';
import { json } from '../http/json-response.ts';
import { readObject } from '../http/request-body.ts';
import { badRequest, notFound, staleVersion } from '../status-error.ts';
import { keyOf } from '../storage/stored-object.ts';
import type { ApiContext } from './api-context.ts';
import { NAMESPACES } from './namespace-lifecycle.ts';
import type { Namespace } from './namespace-lifecycle.ts';
import { resourceOf } from './write-core.ts';
import { readWriteOptions } from './write-options.ts';

/**
 * PUT of a namespace's finalizers, the last resort for one that does not go away: without any, a namespace that is
 * being deleted is removed, whatever is left in it.
 */
export async function finalizeNamespace({ store, writes }: ApiContext, call: ResourceCall): Promise<ApiResponse> {
  const { definition, name, query } = call;
  const { dryRun } = readWriteOptions(query, 'UpdateOptions');
  const given = readObject(call) as Namespace;
  if (given.metadata.name !== name)
    throw badRequest(`the name of the object (${given.metadata.name}) does not match the name on the URL (${name})`);
  const old = store.latest(keyOf(NAMESPACES, '', name));
  if (old === undefined) throw notFound(resourceOf(definition), name);
  const before = old.object as Namespace;
  const { resourceVersion } = given.metadata;
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== before.metadata.resourceVersion)
    throw staleVersion(resourceOf(definition), name);
  const finalizers = given.spec?.finalizers ?? [];
  const target = { definition, namespace: '', dryRun };
  const next = { ...before, spec: finalizers.length === 0 ? {} : { finalizers } } as Namespace;
  const isReleased = before.metadata.deletionTimestamp !== undefined && (before.metadata.finalizers ?? []).length === 0;
  if (finalizers.length > 0 || !isReleased) return json(200, (await writes.replace(target, old, next)).text);
  await writes.remove(target, old);
  return json(200, JSON.stringify(next));
}
