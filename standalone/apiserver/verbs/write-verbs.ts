import type { KubeObject } from '../../../kube/object.ts';
import { markTask } from '../auth/people.ts';
import type { ApiResponse, ResourceCall } from '../http/api-call.ts';
import { acceptedForm } from '../http/accepted-form.ts';
import { json } from '../http/json-response.ts';
import { readObject } from '../http/request-body.ts';
import { badRequest, conflict, forbidden } from '../status-error.ts';
import type { ApiContext } from './api-context.ts';
import { checkNamespaceTakesObjects } from './namespace-lifecycle.ts';
import { shown } from './read-verbs.ts';
import { resourceOf } from './write-core.ts';
import type { Outcome, UpdateTarget } from './write-core.ts';
import { servedObject, servedText } from './served-object.ts';
import { readWriteOptions } from './write-options.ts';

const TASKS = 'tiangong.io/deploytasks';

/** POST to a collection. */
export async function createObject(context: ApiContext, call: ResourceCall): Promise<ApiResponse> {
  const { definition, namespace, query } = call;
  const { dryRun } = readWriteOptions(query, 'CreateOptions');
  const object = readObject(call);
  if (isElsewhere(object, namespace))
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  const { onlyName } = call;
  if (onlyName !== undefined && object.metadata.name !== onlyName)
    throw forbidden(
      resourceOf(definition),
      object.metadata.name ?? '',
      `only ${JSON.stringify(onlyName)} may be created`,
    );
  checkNamespaceTakesObjects(context.store, definition, namespace, object.metadata.name ?? '');
  mark(context, call, object, undefined);
  const stored = await context.writes.create({ definition, namespace, dryRun }, object);
  return written(context, call, 201, { stored, removed: false });
}

/** PUT of an object or of its status. */
export async function updateObject(context: ApiContext, call: ResourceCall): Promise<ApiResponse> {
  const { namespace } = call;
  const target = updateTarget(call, 'UpdateOptions', !needsVersion(call));
  const object = readObject(call);
  checkIdentity(object, call);
  const outcome = await context.writes.update(target, (old) => {
    const { uid } = object.metadata;
    if (uid !== undefined && uid !== '' && uid !== old.metadata.uid) throw wrongUid(call, uid, old);
    if (namespace !== '') object.metadata.namespace = namespace;
    else delete object.metadata.namespace;
    mark(context, call, object, old);
    return object;
  });
  return written(context, call, 200, outcome);
}

/** What admission is on the real server. `object` is changed, but nothing that it shares with `old`. */
export function mark(
  { authorizer }: ApiContext,
  { definition, subresource, request }: ResourceCall,
  object: KubeObject,
  old: KubeObject | undefined,
): void {
  if (definition.storedAs === TASKS && subresource === '') markTask(request.user, authorizer, object, old);
}

export function updateTarget(
  call: ResourceCall,
  options: 'UpdateOptions' | 'PatchOptions',
  unconditional: boolean,
): UpdateTarget {
  const { definition, namespace, name, query } = call;
  const subresource = call.subresource === 'status' ? 'status' : '';
  const { dryRun } = readWriteOptions(query, options);
  return { definition, namespace, name, subresource, dryRun, unconditional };
}

export function written(context: ApiContext, call: ResourceCall, status: number, { stored }: Outcome): ApiResponse {
  const form = acceptedForm(call.request.accept);
  const { definition } = call;
  if (form === 'object') return json(status, servedText(definition, stored));
  return json(status, shown(form, definition, servedObject(definition, stored), call, context.now()));
}

/** Kinds that AllowUnconditionalUpdate is false for: custom ones and Leases. */
function needsVersion({ definition }: ResourceCall): boolean {
  return definition.custom || definition.plural === 'leases';
}

/** A body must be about the object that the path names. */
function checkIdentity({ metadata }: KubeObject, { name, namespace }: ResourceCall): void {
  if (!metadata.name)
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (metadata.name !== name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (isElsewhere({ metadata }, namespace))
    throw badRequest(
      `the namespace of the object (${metadata.namespace ?? ''}) does not match the namespace on the request (${namespace})`,
    );
}

function isElsewhere({ metadata }: Pick<KubeObject, 'metadata'>, namespace: string): boolean {
  return !!metadata.namespace && namespace !== '' && metadata.namespace !== namespace;
}

function wrongUid({ definition, namespace, name }: ResourceCall, uid: string, old: KubeObject): Error {
  // The key is that of the real server's etcd, where custom kinds stand below their group.
  const prefix = definition.custom ? `${definition.group}/${definition.plural}` : definition.plural;
  const key = `/registry/${prefix}/${namespace === '' ? '' : `${namespace}/`}${name}`;
  const failed = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid ?? ''}`;
  const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${failed}`;
  return conflict(resourceOf(definition), name, why);
}
