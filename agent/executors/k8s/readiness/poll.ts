import { sleep } from '../../../../kube/backoff.ts';
import { KubeError } from '../../../../kube/kube-error.ts';
import { failureOf, networkMessage } from '../k8s-failure.ts';
import type { Session } from '../operations/session.ts';

const FIRST_POLL_MS = 200;
const POLL_MS = 2_000;
/** An API server that restarts is back by then; the object goes on becoming ready meanwhile. */
const MAX_OUTAGE_MS = 120_000;

/**
 * Looks again and again until `look` gives something. Each new text given to `say` is one line of the log. An API server
 * that is away is waited for a while; every other failure ends it. Throws the signal's reason when it aborts.
 */
export async function poll<T>(
  { context }: Pick<Session, 'context'>,
  look: (say: (text: string) => void) => Promise<T | undefined>,
): Promise<T> {
  let last = '';
  const say = (text: string): void => {
    if (text !== last) void context.output.log('info', text);
    last = text;
  };
  let lostAt: number | undefined;
  for (let delayMs = FIRST_POLL_MS; ; delayMs = Math.min(delayMs * 1.5, POLL_MS)) {
    try {
      const found = await look(say);
      if (found !== undefined) return found;
      lostAt = undefined;
    } catch (err) {
      context.signal.throwIfAborted();
      lostAt ??= performance.now();
      if (!isOutage(err) || performance.now() - lostAt > MAX_OUTAGE_MS) throw failureOf(err, 'wait for the resource');
      say(`The API server does not answer and is asked again: ${networkMessage(err)}`);
    }
    await sleep(delayMs, context.signal);
    context.signal.throwIfAborted();
  }
}

const isOutage = (err: unknown): boolean =>
  err instanceof KubeError ? err.code >= 500 : err instanceof Error && err.name !== 'K8sFailure';
