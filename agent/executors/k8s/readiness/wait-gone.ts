import { isKindGone, isMissing } from '../k8s-failure.ts';
import { isObject } from '../manifest/parse-documents.ts';
import type { Session } from '../operations/session.ts';
import { apiVersionOf, labelOf } from '../target.ts';
import type { Target } from '../target.ts';
import { poll } from './poll.ts';

/** Waits until a deleted object is gone; another one of the same name counts as gone, and so does one whose kind is gone. Throws `K8sFailure`. */
export async function waitGone(session: Session, target: Target, uid: string | undefined): Promise<void> {
  const label = labelOf(target);
  session.context.evidence(`waiting for ${label} to be gone`);
  await poll(session, async (say) => {
    try {
      const { metadata } = await session.calls.get(target);
      const { uid: now, finalizers } = isObject(metadata) ? metadata : {};
      if (uid === undefined || now === uid) {
        const held = Array.isArray(finalizers) && finalizers.length > 0 ? `: held by ${finalizers.join(', ')}` : '';
        say(`Waiting for ${label} to be gone${held}`);
        return undefined;
      }
    } catch (err) {
      if (!isMissing(err, target)) {
        if (!isKindGone(err)) throw err;
        // A proxy's 404 says as much: only the server's own list of kinds tells that a definition is gone with its objects.
        const { discovery, context } = session;
        const { kind } = target.kind;
        if (await discovery.findByApiVersion(apiVersionOf(target.kind), kind, context.signal)) {
          say(`Waiting for the kind ${kind} to be gone`);
          return undefined;
        }
      }
    }
    say(`${label} is gone`);
    return true;
  });
}
