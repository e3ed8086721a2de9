import { isConflict, KubeError } from '../../../../kube/kube-error.ts';
import { failureOf, isMissing, K8sFailure, serverMessage } from '../k8s-failure.ts';
import type { Manifest } from '../manifest/read-manifests.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { FIELD_MANAGER } from '../object-calls.ts';
import type { Answer } from '../object-calls.ts';
import { labelOf, placeOf } from '../target.ts';
import type { Target } from '../target.ts';
import { applyOnClient } from './apply-on-client.ts';
import { toSend } from './create.ts';
import type { Session } from './session.ts';

const APPLY = 'application/apply-patch+yaml';
/** How often an object may change between the looks at it. */
const MAX_TRIES = 5;

/**
 * Makes an object what the manifest says, whether it is there or not: by server-side apply, or by a three-way merge where
 * the server has none.
 */
export async function apply(session: Session, manifest: Manifest, target: Target): Promise<JsonObject> {
  const { context, params } = session;
  void context.output.log('info', `Applying ${placeOf(target)}`);
  const object = toSend(manifest, target);
  try {
    const { status, object: written } = await send(session, target, object, params.force);
    void context.output.log('info', `${status === 201 ? 'Created' : 'Updated'} ${labelOf(target)}`);
    return written;
  } catch (err) {
    if (err instanceof K8sFailure || !isFieldConflict(err)) throw failureOf(err, 'apply resource');
    const message = `failed to apply resource: ${serverMessage(err)}; set params.force to true to take the fields over`;
    throw new K8sFailure('Conflict', message, { cause: err });
  }
}

async function send(session: Session, target: Target, object: JsonObject, force: boolean): Promise<Answer> {
  try {
    return await session.calls.patch(target, APPLY, object, force);
  } catch (err) {
    if (err instanceof KubeError && err.code === 415) return applyOnClient(session, target, object);
    if (!isFieldConflict(err) || !isWithOurselves(err)) throw err;
  }
  return takeOver(session, target, object);
}

/**
 * Fields that an earlier create or update of ours wrote are ours as well, though the server keeps both books apart. They
 * are taken over only while nobody else has changed the object in between.
 */
async function takeOver({ calls }: Session, target: Target, object: JsonObject): Promise<Answer> {
  const metadata = object['metadata'] as JsonObject;
  const isFixed = metadata['resourceVersion'] !== undefined;
  for (let tries = 1; ; tries += 1) {
    const live = (await calls.get(target))['metadata'] as JsonObject;
    const fixed = { ...object, metadata: { resourceVersion: live['resourceVersion'], ...metadata } };
    try {
      return await calls.patch(target, APPLY, fixed);
    } catch (err) {
      if (!isFieldConflict(err) || !isWithOurselves(err)) throw err;
    }
    try {
      return await calls.patch(target, APPLY, fixed, true);
    } catch (err) {
      const changed = isConflict(err) || isMissing(err, target);
      if (!changed || isFixed || tries === MAX_TRIES) throw err;
    }
  }
}

interface FieldConflict extends KubeError {
  readonly code: 409;
}

const causesOf = (err: KubeError): readonly { reason?: string; message?: string }[] => err.status.details?.causes ?? [];

function isFieldConflict(err: unknown): err is FieldConflict {
  return isConflict(err) && causesOf(err as KubeError).some(({ reason }) => reason === 'FieldManagerConflict');
}

function isWithOurselves(err: KubeError): boolean {
  return causesOf(err).every(({ message = '' }) => message.startsWith(`conflict with "${FIELD_MANAGER}"`));
}
