import type { KubeObject } from '../../../kube/object.ts';
import type { ApiResponse, ResourceCall } from '../http/api-call.ts';
import { json } from '../http/json-response.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { conflict, notFound } from '../status-error.ts';
import { keyOf } from '../storage/stored-object.ts';
import type { StoredObject } from '../storage/stored-object.ts';
import type { ApiContext } from './api-context.ts';
import { readDeleteOptions } from './delete-options.ts';
import type { DeleteOptions } from './delete-options.ts';
import { ListPage } from './list-page.ts';
import { readListOptions } from './list-options.ts';
import { checkMayBeDeleted, NAMESPACES } from './namespace-lifecycle.ts';
import type { Namespace } from './namespace-lifecycle.ts';
import { listText } from './read-verbs.ts';
import { servedText } from './served-object.ts';
import { kindOf, resourceOf, toSeconds } from './write-core.ts';

/** Finalizers by which the garbage collector is asked to deal with dependents first. */
export const ORPHAN = 'orphan';
export const FOREGROUND = 'foregroundDeletion';

/** Holds a CRD until the objects of its kind are gone; given to it when it is deleted. */
export const CRD_CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';
export const CRDS = 'apiextensions.k8s.io/customresourcedefinitions';

export interface Deleted {
  /** Undefined when the object is gone; else as it is now, waiting for its finalizers. */
  readonly waiting: StoredObject | undefined;
  readonly last: StoredObject;
}

/** DELETE of one object. */
export async function deleteObject(context: ApiContext, call: ResourceCall): Promise<ApiResponse> {
  const { definition, name } = call;
  const options = readDeleteOptions(call);
  checkMayBeDeleted(definition, name);
  const { waiting, last } = await deleteOne(context, definition, call.namespace, name, options);
  if (waiting !== undefined) return json(options.isOldStyleCascade ? 202 : 200, servedText(definition, waiting));
  const { uid } = last.object.metadata;
  const details = {
    name,
    ...(definition.group !== '' && { group: definition.group }),
    kind: definition.plural,
    ...(uid !== undefined && { uid }),
  };
  return json(200, JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }));
}

/** DELETE of a collection: of all objects that the selectors match, in the order of their names. */
export async function deleteCollection(context: ApiContext, call: ResourceCall): Promise<ApiResponse> {
  const { definition } = call;
  const options = readDeleteOptions(call);
  const page = await ListPage.read(context.store, call, readListOptions(call.query, definition));
  const deletions = page.stored.map(async ({ object }) => {
    const { name, namespace = '' } = object.metadata;
    try {
      await deleteOne(context, definition, namespace, name, options);
    } catch (err) {
      if ((err as { code?: number }).code !== 404) throw err;
    }
  });
  await Promise.all(deletions);
  return json(200, listText(definition, page.metadata, page.texts()));
}

/**
 * Deletes an object: at once when nothing holds it, else by marking it, so that what holds it can finish. Throws
 * StatusErrors.
 */
export async function deleteOne(
  { store, writes, now }: ApiContext,
  definition: ResourceDefinition,
  namespace: string,
  name: string,
  options: DeleteOptions,
): Promise<Deleted> {
  const old = store.latest(keyOf(definition.storedAs, namespace, name));
  if (old === undefined) throw notFound(resourceOf(definition), name);
  checkPreconditions(definition, old.object, options);
  const target = { definition, namespace, dryRun: options.dryRun };
  const finalizers = finalizersFor(definition, old.object.metadata, options.propagationPolicy);
  const isHeld = finalizers.length > 0 || isHeldNamespace(definition, old.object);
  if (!isHeld) {
    const last = await writes.remove(target, old);
    return { waiting: undefined, last };
  }
  const marked = markDeleted(definition, old.object, finalizers, now());
  const waiting = marked === undefined ? old : await writes.replace(target, old, marked);
  return { waiting, last: waiting };
}

function checkPreconditions(definition: ResourceDefinition, { metadata }: KubeObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options;
  if (uid !== undefined && uid !== metadata.uid)
    throw conflict(
      kindOf(definition),
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid ?? ''}). The object might have been deleted and then recreated`,
    );
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw conflict(
      kindOf(definition),
      metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion ?? ''}). The object might have been modified`,
    );
}

/** A delete that says how to treat dependents replaces what an earlier one said. */
function finalizersFor(
  definition: ResourceDefinition,
  { finalizers = [], deletionTimestamp }: KubeObject['metadata'],
  policy: DeleteOptions['propagationPolicy'],
): readonly string[] {
  const isNewlyDeletedCrd = definition.storedAs === CRDS && deletionTimestamp === undefined;
  const now = isNewlyDeletedCrd && !finalizers.includes(CRD_CLEANUP) ? [...finalizers, CRD_CLEANUP] : finalizers;
  if (policy === undefined) return now;
  const others = now.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  if (policy === 'Background') return others;
  return [...others, policy === 'Orphan' ? ORPHAN : FOREGROUND];
}

function isHeldNamespace(definition: ResourceDefinition, object: Namespace): boolean {
  return definition.storedAs === NAMESPACES && (object.spec?.finalizers ?? []).length > 0;
}

/** Undefined when the object is marked already. */
function markDeleted(
  definition: ResourceDefinition,
  object: Namespace,
  finalizers: readonly string[],
  now: Date,
): KubeObject | undefined {
  const { metadata } = object;
  const isMarked = metadata.deletionTimestamp !== undefined;
  if (isMarked && finalizers.length === (metadata.finalizers ?? []).length) return undefined;
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(finalizers.length > 0 && { finalizers: [...finalizers] }),
      ...(!isMarked && {
        deletionTimestamp: toSeconds(now),
        ...(definition.storedAs !== NAMESPACES && { deletionGracePeriodSeconds: 0 }),
        ...(metadata.generation !== undefined && { generation: metadata.generation + 1 }),
      }),
    },
    ...(definition.storedAs === NAMESPACES && { status: { ...object.status, phase: 'Terminating' } }),
  };
}
