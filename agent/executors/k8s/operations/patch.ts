import { KubeError } from '../../../../kube/kube-error.ts';
import { failureOf } from '../k8s-failure.ts';
import type { PatchType } from '../k8s-params.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import type { PatchContentType } from '../object-calls.ts';
import { labelOf, placeOf } from '../target.ts';
import type { Target } from '../target.ts';
import type { Session } from './session.ts';

const CONTENT_TYPES: Readonly<Record<PatchType, PatchContentType>> = {
  strategic: 'application/strategic-merge-patch+json',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
};

/** Patches an object that is there. A kind that knows no strategic patches (CRDs do not) gets the same as a merge patch. */
export async function patch(session: Session, target: Target, type: PatchType, body: unknown): Promise<JsonObject> {
  const { calls, context } = session;
  void context.output.log('info', `Patching ${placeOf(target)}`);
  try {
    return (await calls.patch(target, CONTENT_TYPES[type], body)).object;
  } catch (err) {
    // A body that the server does not take has changed nothing.
    const isRefused = type === 'strategic' && err instanceof KubeError && err.code === 415;
    if (!isRefused) throw failureOf(err, 'patch resource', target);
  }
  void context.output.log(
    'info',
    `The server takes no strategic merge patch for ${labelOf(target)}; it is sent as a merge patch`,
  );
  try {
    return (await calls.patch(target, CONTENT_TYPES.merge, body)).object;
  } catch (err) {
    throw failureOf(err, 'patch resource', target);
  }
}
