import { backoffMs, sleep } from '../../../../kube/backoff.ts';
import { isConflict } from '../../../../kube/kube-error.ts';
import { failureOf } from '../k8s-failure.ts';
import type { Manifest } from '../manifest/read-manifests.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { placeOf } from '../target.ts';
import type { Target } from '../target.ts';
import { toSend } from './create.ts';
import { merged } from './merge.ts';
import type { Session } from './session.ts';

const MAX_TRIES = 10;
const BACKOFF = { minMs: 50, maxMs: 2_000 };

/**
 * Changes of an object what the manifest names: maps are merged, lists replaced whole, `null` removes. An object that is
 * not there is a failure. When somebody else writes it at the same time it is read and changed again, unless the manifest
 * names the version or the uid that it is meant for.
 */
export async function update(session: Session, manifest: Manifest, target: Target): Promise<JsonObject> {
  const { calls, context } = session;
  void context.output.log('info', `Updating ${placeOf(target)}`);
  const change = toSend(manifest, target);
  const { resourceVersion, uid } = change['metadata'] as JsonObject;
  const isFixed = resourceVersion !== undefined || uid !== undefined;
  try {
    for (let tries = 1; ; tries += 1) {
      const live = await calls.get(target);
      try {
        return (await calls.replace(target, merged(live, change) as JsonObject)).object;
      } catch (err) {
        if (!isConflict(err) || isFixed || tries === MAX_TRIES) throw err;
        await sleep(backoffMs(tries, BACKOFF), context.signal);
      }
    }
  } catch (err) {
    throw failureOf(err, 'update resource', target);
  }
}
