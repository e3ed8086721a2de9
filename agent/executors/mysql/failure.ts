import { TaskFailure } from '../../task-failure.ts';
import { cutText } from '../../output/utf8.ts';
import { ExecutionTimeout } from '../database/deadline.ts';
import { TaskAborted } from '../executor.ts';
import { LedgerStop } from '../ledger/ledger-stop.ts';
import type { TransactionLedger } from '../sql/transaction-ledger.ts';
import { SpoolError } from '../sql/row-spool.ts';
import { SqlSyntaxError } from '../sql/sql-syntax-error.ts';
import { shownSql } from './script/order-lines.ts';
import type { OrderEntry } from './script/order-lines.ts';
import { StatementStopped } from './session/run-statement.ts';
import { ERRNO, isLost, isServerError } from './session/server-error.ts';
import { errorDetails, StatementFailed } from './script/statement-error.ts';

/** How a text failed. */
export interface Failure {
  readonly reason: string;
  /** Nobody can know what the server made of some of it. */
  readonly isUnknown: boolean;
  /** Lines: `Statement 2: ERROR - …`, `SQL: …`, details, what was committed. */
  readonly lines: readonly string[];
  /** For the result; undefined: it is about no statement. */
  readonly entry: OrderEntry | undefined;
}

const MAX_MESSAGE_BYTES = 4096;

/** Tells what failed and what became of the rest. Undefined: the error is none that a text can cause. */
export function describeFailure(
  err: unknown,
  {
    fates,
    mask,
    notRolledBack,
  }: {
    readonly fates: TransactionLedger;
    readonly mask: (text: string) => string;
    readonly notRolledBack: string | undefined;
  },
): Failure | undefined {
  const failed = err instanceof StatementFailed ? err : undefined;
  const cause = failed === undefined ? err : failed.cause;
  const isUnknown = fates.has('unknown') || (cause instanceof LedgerStop && cause.unknown);
  const reason = fates.has('unknown') ? 'CommitOutcomeUnknown' : reasonOf(cause, failed !== undefined);
  if (reason === undefined) return undefined;
  const text = (given: string): string => cutText(mask(given), MAX_MESSAGE_BYTES);
  const message = text(networkText(cause));
  const isOne = failed !== undefined && failed.through === failed.statement.number;
  const sql = isOne ? shownSql(mask(failed.statement.text)) : '';
  const details =
    failed !== undefined ? errorDetails(failed) : err instanceof SqlSyntaxError ? `At line ${err.line}` : '';
  const lines = [
    failed === undefined ? `ERROR - ${message}` : `${labelOf(failed)}: ERROR - ${message}`,
    ...(sql === '' ? [] : [`SQL: ${sql}`]),
    ...(details === '' ? [] : [details]),
    ...(failed?.note === undefined ? [] : [failed.note]),
    ...(fates.describe() === '' ? [] : [fates.describe()]),
    ...(notRolledBack === undefined ? [] : [`Not everything could be rolled back: ${text(notRolledBack)}.`]),
  ];
  const entry: OrderEntry | undefined = failed && {
    ...{ orderId: failed.statement.number, stage: 'EXECUTED', status: 'Execute failed', error: message },
    affectedRows: 0,
    ...(isOne ? { sql } : { lastOrderId: failed.through }),
  };
  return { reason, isUnknown, lines, entry };
}

function labelOf({ statement: { number }, through }: StatementFailed): string {
  return through === number ? `Statement ${number}` : `Statements ${number}-${through}`;
}

function reasonOf(cause: unknown, inStatement: boolean): string | undefined {
  if (cause instanceof StatementStopped)
    return cause.reason instanceof ExecutionTimeout ? 'TimeoutExceeded' : 'Aborted';
  if (cause instanceof ExecutionTimeout) return 'TimeoutExceeded';
  if (cause instanceof TaskAborted) return 'Aborted';
  if (cause instanceof TaskFailure) return cause.reason;
  if (cause instanceof SqlSyntaxError) return 'InvalidSQL';
  if (cause instanceof SpoolError) return 'DiskFull';
  if (!inStatement) return undefined;
  return isLost(cause) ? 'ConnectionLost' : 'StatementFailed';
}

const LOGIN_REFUSED: readonly number[] = [ERRNO.accessDenied, 1251, 1698, 1862, 3118, 4151];

/** Whether a login was tried and refused. */
export function isLoginRefused(err: unknown): boolean {
  if (isServerError(err)) return LOGIN_REFUSED.includes(err.errno);
  return (
    err instanceof Error && /^(?:AUTH_SWITCH|MYSQL_CLEAR_PASSWORD)/.test((err as NodeJS.ErrnoException).code ?? '')
  );
}

/** What went wrong, also where a host has several addresses. */
export function networkText(err: unknown): string {
  if (err instanceof AggregateError && err.errors.length > 0) return networkText(err.errors[0]);
  return err instanceof Error ? (err.message === '' ? err.name : err.message) : String(err);
}
