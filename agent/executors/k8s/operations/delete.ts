import { failureOf } from '../k8s-failure.ts';
import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import type { Manifest } from '../manifest/read-manifests.ts';
import type { Preconditions } from '../object-calls.ts';
import { placeOf } from '../target.ts';
import type { Target } from '../target.ts';
import type { Session } from './session.ts';

/**
 * Deletes an object; one that is not there is a failure, and so is another uid or version than the manifest names.
 * Resolves with the uid of what was deleted, if the server says it.
 */
export async function remove(
  { calls, context }: Session,
  { object }: Manifest,
  target: Target,
): Promise<string | undefined> {
  void context.output.log('info', `Deleting ${placeOf(target)}`);
  try {
    // The answer is a Status, or the object when finalizers hold it.
    const { metadata, details } = await calls.delete(target, preconditionsOf(object));
    const uid = (isObject(details) ? details['uid'] : undefined) ?? (isObject(metadata) ? metadata['uid'] : undefined);
    return typeof uid === 'string' ? uid : undefined;
  } catch (err) {
    throw failureOf(err, 'delete resource', target);
  }
}

function preconditionsOf({ metadata }: JsonObject): Preconditions {
  const { uid, resourceVersion } = isObject(metadata) ? metadata : {};
  const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== '';
  return { ...(isSet(uid) && { uid }), ...(isSet(resourceVersion) && { resourceVersion }) };
}
