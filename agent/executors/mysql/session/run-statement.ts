import { setTimeout as delay } from 'node:timers/promises';
import { killQuery } from './kill-query.ts';
import { ConnectionLost, ERRNO, isFatal, isServerError } from './server-error.ts';
import type { MysqlSession, RowHandler, StatementOutcome } from './session.ts';

/** What the server said of a statement in the end; `lost`: nothing; `unsent`: it was not asked. */
export type StatementAnswer = 'unsent' | 'completed' | 'failed' | 'lost';

/** A statement was stopped because its task is to end. */
export class StatementStopped extends Error {
  override readonly name = 'StatementStopped';
  /** Why: what the signal was aborted with. */
  readonly reason: unknown;
  readonly answer: StatementAnswer;
  /** The server's word, when it has completed it all the same. */
  readonly outcome: StatementOutcome | undefined;

  constructor(
    reason: unknown,
    answer: StatementAnswer,
    { outcome, cause }: { outcome?: StatementOutcome; cause?: unknown },
  ) {
    super(reason instanceof Error ? reason.message : String(reason), { cause });
    this.reason = reason;
    this.answer = answer;
    this.outcome = outcome;
  }
}

/** What the server said of a statement that failed. */
export function answerTo(err: unknown): StatementAnswer {
  if (err instanceof StatementStopped) return err.answer;
  return isServerError(err) && !isFatal(err) ? 'failed' : 'lost';
}

export interface RunStatementOptions {
  readonly signal: AbortSignal;
  /** How long the server may take to end a statement after it was asked to, before its connection is closed. */
  readonly graceMs: number;
  readonly handler?: RowHandler;
  /** Of a COMMIT: after an abort it may go on for a while, and its answer counts. */
  readonly patient?: boolean;
}

export interface RunGroupOptions extends Omit<RunStatementOptions, 'handler' | 'patient'> {
  readonly handlerOf: (index: number) => RowHandler;
  /** Told of each statement that was executed, in order. */
  readonly ended: (index: number, outcome: StatementOutcome) => void;
}

/** A KILL that comes before its statement has begun is lost: it is sent again. */
const KILL_AGAIN_MS = 500;
const LAST_KILL_MS = 2000;
/** How long a COMMIT may go on after an abort before it is killed too: seldom does one take any time. */
const PATIENCE_MS = 3000;

/**
 * Executes a statement until it has ended on the server, also after an abort: then it is killed there, and if that does
 * not help, its connection is. Rejects with `StatementStopped` after an abort, else as `MysqlSession.query`; a `patient`
 * one ends as it does on the server, unless it was killed there.
 */
export async function runStatement(
  session: MysqlSession,
  sql: string,
  { handler, ...options }: RunStatementOptions,
): Promise<StatementOutcome> {
  return runOnServer(session, options, (stop) => session.query(sql, handler && stoppingHandler(handler, stop)));
}

/** The same for statements that are sent together: see `MysqlSession.queryGroup`. */
export function runGroup(
  session: MysqlSession,
  statements: readonly string[],
  { handlerOf, ended, ...options }: RunGroupOptions,
): Promise<void> {
  return runOnServer(session, options, (stop) =>
    session.queryGroup(statements, (index) => stoppingHandler(handlerOf(index), stop), ended),
  );
}

async function runOnServer<T extends StatementOutcome | void>(
  session: MysqlSession,
  { signal, graceMs, patient = false }: Omit<RunStatementOptions, 'handler'>,
  query: (stop: () => void) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw new StatementStopped(signal.reason, 'unsent', {});
  let ended: AbortController | undefined;
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    session.taint();
    ended ??= new AbortController();
    stopping ??= stopOnServer(session, patient, graceMs, ended.signal);
  };
  const abort = (): void => {
    if (!patient) session.discard();
    stop();
  };
  signal.addEventListener('abort', abort, { once: true });
  let result: { readonly outcome: T } | undefined;
  let failure: unknown;
  try {
    result = { outcome: await query(stop) };
  } catch (err) {
    failure = err ?? new Error('the statement failed');
  } finally {
    signal.removeEventListener('abort', abort);
    ended?.abort();
    await stopping;
  }
  const counts = !signal.aborted || (patient && (result !== undefined || isOwnError(failure)));
  if (!counts) {
    const answer = result === undefined ? answerTo(failure) : 'completed';
    throw new StatementStopped(signal.reason, answer, {
      ...(result?.outcome && { outcome: result.outcome }),
      cause: failure,
    });
  }
  if (result === undefined) throw failure;
  return result.outcome;
}

/** When rows cannot be taken, nobody needs the rest of the statement. */
function stoppingHandler(handler: RowHandler, stop: () => void): RowHandler {
  return {
    columns: (fields) => handler.columns(fields),
    row: (values) =>
      handler.row(values)?.catch((err: unknown) => {
        stop();
        throw err;
      }),
  };
}

/** Whether the server refused the statement for what it is, not because it was asked to stop. */
const isOwnError = (err: unknown): boolean =>
  isServerError(err) && !isFatal(err) && err.errno !== ERRNO.queryInterrupted;

async function stopOnServer(
  session: MysqlSession,
  patient: boolean,
  graceMs: number,
  ended: AbortSignal,
): Promise<void> {
  const { target, threadId, flavour } = session;
  const until = performance.now() + graceMs;
  if (patient) await pause(Math.min(PATIENCE_MS, graceMs / 2), ended);
  while (!ended.aborted && performance.now() < until) {
    // What cannot be said now may be the next time. Nobody waits for it once the statement has ended.
    const timeoutMs = Math.max(KILL_AGAIN_MS, until - performance.now());
    await Promise.race([killQuery(target, threadId, { flavour, timeoutMs }).catch(() => undefined), aborted(ended)]);
    await pause(Math.min(KILL_AGAIN_MS, until - performance.now()), ended);
  }
  if (ended.aborted) return;
  await killQuery(target, threadId, { flavour, connection: true, timeoutMs: LAST_KILL_MS }).catch(() => undefined);
  session.destroy(new ConnectionLost(`the server did not answer within ${graceMs} ms after it was asked to stop`));
}

async function pause(ms: number, ended: AbortSignal): Promise<void> {
  await delay(Math.max(0, ms), undefined, { signal: ended }).catch(() => undefined);
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
