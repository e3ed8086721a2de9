import type { KubeObject } from '../../../kube/object.ts';
import { deepEqual } from './correlation.ts';

/** Members that a strategy sees: any beside the type and the metadata. */
type Members = Record<string, unknown>;

const membersOf = (object: KubeObject): Members => object as unknown as Members;

/** What creating forces on an object whose status is a subresource. */
export function prepareForCreate(object: KubeObject, hasStatus: boolean): void {
  if (hasStatus) delete membersOf(object)['status'];
  object.metadata.generation = 1;
}

/**
 * What updating forces. Parts that may not change are the old object's very own, so that later steps see at a glance
 * that they did not: the result must not be changed in place.
 */
export function prepareForUpdate(
  object: KubeObject,
  old: KubeObject,
  hasStatus: boolean,
  subresource: 'status' | undefined,
): void {
  const target = membersOf(object);
  const before = membersOf(old);
  if (subresource === 'status') {
    const { status } = target;
    const { resourceVersion, managedFields } = object.metadata as KubeObject['metadata'] & { managedFields?: unknown };
    for (const name of Object.keys(target)) if (!(name in before)) delete target[name];
    Object.assign(target, before);
    object.metadata = { ...old.metadata };
    if (resourceVersion !== undefined) object.metadata.resourceVersion = resourceVersion;
    if (managedFields !== undefined) Object.assign(object.metadata, { managedFields });
    if (status === undefined) delete target['status'];
    else target['status'] = status;
    return;
  }
  if (hasStatus) {
    if ('status' in before) target['status'] = before['status'];
    else delete target['status'];
  }
  const { generation } = old.metadata;
  if (generation === undefined) delete object.metadata.generation;
  else object.metadata.generation = generation;
  if (differs(target, before) || differs(before, target)) object.metadata.generation = (generation ?? 0) + 1;
}

function differs(a: Members, b: Members): boolean {
  for (const name in a) if (name !== 'metadata' && a[name] !== b[name] && !deepEqual(a[name], b[name])) return true;
  return false;
}
