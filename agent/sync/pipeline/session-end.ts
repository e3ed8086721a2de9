import { PusherError } from '../pusher.ts';
import { isObsolete } from './live-session.ts';
import { PipelineFailure } from './pipeline-failure.ts';

/** Answers of consumers that do not know the session, as when they were started anew. */
const UNKNOWN_SESSION: ReadonlySet<number | undefined> = new Set([404, 410]);

/** Answers of gateways that gave up waiting: the call itself may still be under way behind them. */
const GIVEN_UP: ReadonlySet<number | undefined> = new Set([502, 504, 520, 524]);

/**
 * Whether what failed is to be tried in a new session. After a push without an answer of the consumer's own too: it may still be under
 * way, and must come to nothing once it arrives behind later ones.
 */
export function endsSession(err: unknown): boolean {
  if (isObsolete(err)) return true;
  if (!(err instanceof PusherError)) return false;
  return err.status === undefined ? err.retryable : UNKNOWN_SESSION.has(err.status) || GIVEN_UP.has(err.status);
}

/** The same error, as one that may be tried again. */
export function inNewSession(err: PusherError): PipelineFailure {
  return new PipelineFailure(err.reason, err.message, { retryable: true, cause: err });
}
