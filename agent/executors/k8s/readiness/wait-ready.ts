import { isMissing, K8sFailure } from '../k8s-failure.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import type { Session } from '../operations/session.ts';
import { labelOf } from '../target.ts';
import type { Target } from '../target.ts';
import { poll } from './poll.ts';
import { readinessOf } from './readiness.ts';

/** Waits until an object is ready, with a line of the log for each step, and gives it as it is then. Throws `K8sFailure`. */
export function waitReady(session: Session, target: Target): Promise<JsonObject> {
  const label = labelOf(target);
  session.context.evidence(`waiting for ${label}`);
  return poll(session, async (say) => {
    const object = await session.calls.get(target).catch((err: unknown) => {
      if (isMissing(err, target)) throw new K8sFailure('NotReady', `${label} did not become ready: it was deleted`);
      throw err;
    });
    const { state, message, reason = 'NotReady' } = readinessOf(object);
    if (state === 'failed') throw new K8sFailure(reason, `${label} did not become ready: ${message}`);
    say(state === 'ready' ? `${label} is ready` : `Waiting for ${label}: ${message}`);
    return state === 'ready' ? object : undefined;
  });
}
