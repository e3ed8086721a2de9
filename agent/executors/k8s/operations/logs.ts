import type { Outcome } from '../../executor.ts';
import { LineSplitter } from '../../../output/line-splitter.ts';
import { failureOf } from '../k8s-failure.ts';
import { objectPath, placeOf } from '../target.ts';
import { containerOf, podOf } from './log-source.ts';
import type { Session } from './session.ts';
import { subjectOf } from './subject.ts';

/** Shows what a container printed; with `follow` until it ends, until `follow_seconds` are over, or the task's time. */
export async function logs(session: Session, text: string): Promise<Outcome> {
  const { client, context, params } = session;
  const pod = await podOf(session, await subjectOf(session, text));
  const container = await containerOf(session, pod);
  void context.output.log('info', `Reading the log of container ${container} of ${placeOf(pod)}`);
  const query = new URLSearchParams({
    container,
    ...(params.previous && { previous: 'true' }),
    ...(params.follow && { follow: 'true' }),
    ...(params.tailLines !== undefined && { tailLines: String(params.tailLines) }),
    ...(params.sinceSeconds !== undefined && { sinceSeconds: String(params.sinceSeconds) }),
  });
  const enough =
    params.follow && params.followSeconds !== undefined ? AbortSignal.timeout(params.followSeconds * 1000) : undefined;
  const signal = enough === undefined ? context.signal : AbortSignal.any([context.signal, enough]);
  let bytes = 0;
  // The result is there at the end alone: who follows wants to see the lines before.
  const lines = params.follow ? new LineSplitter() : undefined;
  try {
    const path = `${objectPath(pod, 'log')}?${query.toString()}`;
    // A container may be silent for as long as it likes.
    const response = await client.send({ method: 'GET', path, accept: '*/*', signal, idleTimeoutMs: 0 });
    for await (const chunk of response.chunks()) {
      const piece = Buffer.from(chunk as Uint8Array);
      bytes += piece.length;
      const completed = lines?.push(piece) ?? [];
      await Promise.all([
        context.output.write(piece),
        completed.length > 0 ? context.output.log('info', ...completed) : undefined,
      ]);
    }
  } catch (err) {
    if (enough?.aborted !== true || context.signal.aborted) throw failureOf(err, 'read the log', pod);
  }
  const rest = lines?.end() ?? [];
  if (rest.length > 0) await context.output.log('info', ...rest);
  return { state: 'Succeeded', message: `${bytes} bytes of the log of ${placeOf(pod)}` };
}
