import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from '../../connections/target.ts';
import { Session } from './session.ts';
import { ConnectionLost, isFatal, isServerError } from './statement-error.ts';
import type { StatementQuery } from './statement-query.ts';

/** A query was stopped because its task is to end. */
export class QueryStopped extends Error {
  override readonly name = 'QueryStopped';
  /** Why: what the signal was aborted with. */
  readonly reason: unknown;
  /** What the server said of the query in the end; `lost`: nothing; `unsent`: it was not asked. */
  readonly answer: 'unsent' | 'completed' | 'failed' | 'lost';

  /** `cause` is what the query ended with. */
  constructor(reason: unknown, answer: QueryStopped['answer'], cause?: unknown) {
    super(reason instanceof Error ? reason.message : String(reason), { cause });
    this.reason = reason;
    this.answer = answer;
  }
}

export interface RunQueryOptions {
  readonly signal: AbortSignal;
  /** How long the server may take to end a query after it was asked to, before its connection is closed. */
  readonly graceMs: number;
  /** Of a COMMIT: after an abort it may go on for a while, and its answer counts. */
  readonly patient?: boolean;
}

/** A request to cancel that comes before its query has begun is lost: it is sent again. */
const CANCEL_AGAIN_MS = 500;
const TERMINATE_MS = 2000;
/** How long a COMMIT may go on after an abort before it is canceled too: seldom does one take any time. */
const PATIENCE_MS = 3000;
const QUERY_CANCELED = '57014';

/**
 * Runs a query until it has ended on the server, also after an abort: then the server is asked to cancel it, and if that
 * does not help, its process is terminated. Rejects with `QueryStopped` after an abort, else as `StatementQuery.done`; a
 * `patient` one ends as it does on the server, unless it was stopped there.
 */
export async function runQuery(session: Session, query: StatementQuery, options: RunQueryOptions): Promise<void> {
  const { signal, graceMs, patient = false } = options;
  if (signal.aborted) throw new QueryStopped(signal.reason, 'unsent');
  const ended = new AbortController();
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= stopOnServer(session, patient, graceMs, ended.signal);
  };
  const abort = (): void => {
    if (!patient) query.discard();
    stop();
  };
  query.onFailure = stop;
  signal.addEventListener('abort', abort, { once: true });
  let failure: unknown;
  try {
    session.send(query);
    await query.done;
  } catch (err) {
    failure = err ?? new Error('the query failed');
  } finally {
    signal.removeEventListener('abort', abort);
    ended.abort();
    await stopping;
  }
  const counts = !signal.aborted || (patient && (failure === undefined || isOwnError(failure)));
  if (!counts) throw new QueryStopped(signal.reason, answerOf(failure), failure);
  if (failure !== undefined) throw failure as Error;
}

/** What the server said of a query that failed. */
export function answerTo(err: unknown): QueryStopped['answer'] {
  if (err instanceof QueryStopped) return err.answer;
  return isServerError(err) && !isFatal(err) ? 'failed' : 'lost';
}

function answerOf(failure: unknown): QueryStopped['answer'] {
  return failure === undefined ? 'completed' : answerTo(failure);
}

/** Whether the server refused the query for what it is, not because it was asked to stop. */
const isOwnError = (err: unknown): boolean => isServerError(err) && !isFatal(err) && err.code !== QUERY_CANCELED;

async function stopOnServer(session: Session, patient: boolean, graceMs: number, ended: AbortSignal): Promise<void> {
  const until = performance.now() + graceMs;
  if (patient) await pause(Math.min(PATIENCE_MS, graceMs / 2), ended);
  while (!ended.aborted && performance.now() < until) {
    // What cannot be sent now may be the next time.
    await session.cancel().catch(() => undefined);
    await pause(Math.min(CANCEL_AGAIN_MS, until - performance.now()), ended);
  }
  if (ended.aborted) return;
  await terminate(session.target, session.pid);
  session.destroy(new ConnectionLost(`the server did not answer within ${graceMs} ms after it was asked to stop`));
}

async function pause(ms: number, ended: AbortSignal): Promise<void> {
  await delay(Math.max(0, ms), undefined, { signal: ended }).catch(() => undefined);
}

/** Ends the server's process. With a pooler in between its number is not the server's: then nothing is found. */
async function terminate(target: Target, pid: number): Promise<void> {
  const work = async (): Promise<void> => {
    const session = await Session.connect(target);
    await session.execute(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ${pid} AND usename = current_user AND application_name = 'tiangong'`,
      TERMINATE_MS,
    );
    await session.end();
  };
  await Promise.race([work().catch(() => undefined), delay(TERMINATE_MS, undefined, { ref: false })]);
}
