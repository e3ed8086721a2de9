import type { KubeObject } from '../../../kube/object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { forbidden, notFound, StatusError } from '../status-error.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { keyOf } from '../storage/stored-object.ts';
import { resourceOf } from './write-core.ts';

export const NAMESPACES = '/namespaces';
/** Namespaces that are always there. */
export const DEFAULT_NAMESPACES = ['default', 'kube-system', 'kube-public'] as const;

export interface Namespace extends KubeObject {
  spec?: { finalizers?: string[] };
  status?: { phase?: 'Active' | 'Terminating' };
}

/** Throws 404 for a namespace that is not there and 403 for one that is being deleted, as NamespaceLifecycle does. */
export function checkNamespaceTakesObjects(
  store: ObjectStore,
  definition: ResourceDefinition,
  namespace: string,
  name: string,
): void {
  if (!definition.namespaced) return;
  const stored = store.latest(keyOf(NAMESPACES, '', namespace));
  if (stored === undefined) throw notFound({ group: '', name: 'namespaces' }, namespace);
  if (stored.object.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { code, reason, message, details } = forbidden(resourceOf(definition), name, why);
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  throw new StatusError(code, reason, message, { ...details, causes: [cause] });
}

/** Throws 403 for namespaces that may not be deleted. */
export function checkMayBeDeleted(definition: ResourceDefinition, name: string): void {
  if (definition.storedAs === NAMESPACES && (DEFAULT_NAMESPACES as readonly string[]).includes(name))
    throw forbidden(resourceOf(definition), name, 'this namespace may not be deleted');
}
