import { failureOf, K8sFailure } from '../k8s-failure.ts';
import type { Manifest } from '../manifest/read-manifests.ts';
import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { placeOf } from '../target.ts';
import type { Target } from '../target.ts';
import type { Session } from './session.ts';

/** Creates an object; one that is there already is a failure. */
export async function create(session: Session, manifest: Manifest, target: Target): Promise<JsonObject> {
  const { metadata } = manifest.object;
  if (target.name === '' && !(isObject(metadata) && typeof metadata['generateName'] === 'string'))
    throw new K8sFailure('InvalidManifest', 'resource name is required');
  void session.context.output.log('info', `Creating ${placeOf(target)}`);
  try {
    return (await session.calls.create(target, toSend(manifest, target))).object;
  } catch (err) {
    throw failureOf(err, 'create resource');
  }
}

/** The object as it is sent: in the namespace that was decided, and without the server's own book-keeping. */
export function toSend({ object }: Manifest, { namespace, name }: Target): JsonObject {
  const { metadata = {} } = object;
  const { managedFields: _, namespace: __, ...rest } = metadata as JsonObject;
  return {
    ...object,
    metadata: { ...rest, ...(name !== '' && { name }), ...(namespace !== undefined && { namespace }) },
  };
}
