import { backoffMs, sleep } from '../../../../kube/backoff.ts';
import { isAlreadyExists, isConflict, KubeError } from '../../../../kube/kube-error.ts';
import { isMissing, K8sFailure, serverMessage } from '../k8s-failure.ts';
import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import type { Answer } from '../object-calls.ts';
import { LAST_APPLIED } from '../show-object.ts';
import type { Target } from '../target.ts';
import { threeWayPatch } from './merge.ts';
import type { Session } from './session.ts';

const MAX_TRIES = 10;
const BACKOFF = { minMs: 50, maxMs: 2_000 };
const TOO_LONG =
  'this server has no server-side apply, so that apply keeps the manifest in an annotation; use the operation create or update for so large an object';

/**
 * Apply for servers without server-side apply, as kubectl does it: create, or a three-way merge with what was applied
 * last, which stands in an annotation. Rejects as `ObjectCalls` does, or with `K8sFailure`.
 */
export async function applyOnClient(session: Session, target: Target, object: JsonObject): Promise<Answer> {
  const { calls, context } = session;
  const wanted = withLastApplied(plainSecret(object));
  for (let tries = 1; ; tries += 1) {
    const live = await calls.get(target).catch((err: unknown) => {
      if (isMissing(err, target)) return undefined;
      throw err;
    });
    try {
      if (live === undefined) return await calls.create(target, wanted);
      const patch = threeWayPatch(lastApplied(live), wanted, live);
      if (Object.keys(patch).length === 0) return { status: 200, object: live };
      const { metadata = {} } = patch;
      // Decided on this version: on another it may be wrong.
      const { resourceVersion } = live['metadata'] as JsonObject;
      const fixed = { ...patch, metadata: { resourceVersion, ...(metadata as JsonObject) } };
      return await calls.patch(target, 'application/merge-patch+json', fixed);
    } catch (err) {
      if (isTooLong(err))
        throw new K8sFailure('Invalid', `failed to apply resource: ${serverMessage(err)}; ${TOO_LONG}`, { cause: err });
      const { resourceVersion } = object['metadata'] as JsonObject;
      const isRace = isAlreadyExists(err) || isConflict(err) || (live !== undefined && isMissing(err, target));
      if (!isRace || resourceVersion !== undefined || tries === MAX_TRIES) throw err;
      await sleep(backoffMs(tries, BACKOFF), context.signal);
    }
  }
}

const isTooLong = (err: unknown): err is KubeError =>
  err instanceof KubeError && err.code === 422 && serverMessage(err).includes('metadata.annotations: Too long');

function withLastApplied(object: JsonObject): JsonObject {
  const metadata = object['metadata'] as JsonObject;
  const annotations = isObject(metadata['annotations']) ? metadata['annotations'] : {};
  const { [LAST_APPLIED]: _, ...others } = annotations;
  // kubectl's own form, so that it can go on from here: the annotations are always there, and a line end.
  const applied = { ...object, metadata: { ...metadata, annotations: others } };
  return {
    ...object,
    metadata: { ...metadata, annotations: { ...others, [LAST_APPLIED]: `${JSON.stringify(applied)}\n` } },
  };
}

function lastApplied({ metadata }: JsonObject): JsonObject {
  const annotations = isObject(metadata) ? metadata['annotations'] : undefined;
  const text = isObject(annotations) ? annotations[LAST_APPLIED] : undefined;
  try {
    const applied: unknown = JSON.parse(String(text));
    return isObject(applied) ? applied : {};
  } catch {
    // Never applied, or the annotation was edited: nothing is known to have been ours.
    return {};
  }
}

/** `stringData` is never read back: only as `data` can a value that is no longer named be removed. */
function plainSecret(object: JsonObject): JsonObject {
  const { stringData, ...secret } = object;
  if (object['kind'] !== 'Secret' || !isObject(stringData)) return object;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    typeof value === 'string' ? Buffer.from(value).toString('base64') : value,
  ]);
  return { ...secret, data: { ...(secret['data'] as JsonObject | undefined), ...Object.fromEntries(encoded) } };
}
