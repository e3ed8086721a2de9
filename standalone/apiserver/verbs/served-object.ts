import type { KubeObject } from '../../../kube/object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import type { StoredObject } from '../storage/stored-object.ts';

type Form = Pick<ResourceDefinition, 'fromStored'>;

/** An object as a definition serves it: for most kinds, as it is stored. Never mutate it. */
export function servedObject(definition: Form, stored: StoredObject): KubeObject {
  return definition.fromStored === undefined ? stored.object : definition.fromStored(stored.object);
}

/** The same as JSON. */
export function servedText(definition: Form, stored: StoredObject): string {
  return definition.fromStored === undefined ? stored.text : JSON.stringify(definition.fromStored(stored.object));
}
