import type { KubeObject } from '../../../../kube/object.ts';
import type { FieldError } from '../../field-error.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { StatusError } from '../../status-error.ts';

/** What becomes of a write: the object as it would be stored, or why it is refused. */
export type Outcome =
  | { readonly object: KubeObject; readonly unknown: readonly string[] }
  | { readonly code: 400; readonly message: string }
  | { readonly code: 422; readonly errors: readonly FieldError[] };

const SET_BY_SERVER = { uid: '5d5ec892-3246-41db-b4ae-e48447778f1e', creationTimestamp: '2026-01-01T00:00:00Z' };

/** Runs what the server runs on a create, without the storage. `object` is taken over. */
export function create(definition: ResourceDefinition, object: KubeObject, namespace: string): Outcome {
  return run(() => {
    const unknown = definition.prune(object);
    definition.applyDefaults(object);
    object.metadata = { ...object.metadata, ...SET_BY_SERVER, ...(definition.namespaced && { namespace }) };
    definition.prepareForCreate?.(object);
    return outcome(object, unknown, definition.validate(object, undefined));
  });
}

/** Runs what the server runs on an update of `old` or of its status. `object` is taken over. */
export function update(
  definition: ResourceDefinition,
  object: KubeObject,
  old: KubeObject,
  subresource?: 'status',
): Outcome {
  return run(() => {
    const unknown = definition.prune(object);
    definition.applyDefaults(object);
    object.metadata = { ...object.metadata, ...SET_BY_SERVER, resourceVersion: '1' };
    definition.prepareForUpdate?.(object, old, subresource);
    return outcome(object, unknown, definition.validate(object, old, subresource));
  });
}

function run(write: () => Outcome): Outcome {
  try {
    return write();
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return { code: 400, message: error.message };
  }
}

function outcome(object: KubeObject, unknown: readonly string[], errors: readonly FieldError[]): Outcome {
  return errors.length === 0 ? { object, unknown } : { code: 422, errors };
}
