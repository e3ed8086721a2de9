import { cutText } from '../../output/utf8.ts';
import { ExecutionTimeout } from '../database/deadline.ts';
import { TaskAborted } from '../executor.ts';
import { LedgerStop } from '../ledger/ledger-stop.ts';
import { SpoolError } from '../sql/row-spool.ts';
import type { SqlStatement } from '../sql/split-statements.ts';
import { SqlSourceError } from '../sql/sql-source.ts';
import { SqlSyntaxError } from '../sql/sql-syntax-error.ts';
import { QueryStopped } from './run-query.ts';
import { PasswordMissing } from './session.ts';
import { errorDetails, isFatal, isLost, isServerError, StatementFailed } from './statement-error.ts';
import { shownSql } from './statement-report.ts';
import type { TransactionLedger } from '../sql/transaction-ledger.ts';

/** How a text failed. */
export interface Failure {
  readonly reason: string;
  /** Lines: `Statement 2: ERROR - …`, `SQL: …`, details, what was committed. */
  readonly lines: readonly string[];
  /** The same for JSON. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const MAX_MESSAGE_BYTES = 4096;

/** Tells what failed and what became of the rest. Undefined: the error is none that a text can cause. */
export function describeFailure(
  err: unknown,
  ledger: TransactionLedger,
  mask: (text: string) => string,
): Failure | undefined {
  const which = err instanceof StatementFailed ? whichOf(err) : undefined;
  const statement = which?.only;
  const cause = err instanceof StatementFailed ? err.cause : err;
  const reason = ledger.has('unknown') ? 'CommitOutcomeUnknown' : reasonOf(cause, which !== undefined);
  if (reason === undefined) return undefined;
  const text = (given: string): string => cutText(mask(given), MAX_MESSAGE_BYTES);
  const message = text(networkText(cause));
  const located = err instanceof SqlSyntaxError || (err instanceof StatementFailed && statement !== undefined);
  const line = located ? err.line : undefined;
  const sql = statement === undefined ? undefined : shownSql(mask(statement.text));
  const fate = ledger.describe();
  return {
    reason,
    lines: [
      which === undefined ? `ERROR - ${message}` : `${which.label}: ERROR - ${message}`,
      ...(sql === undefined || sql === '' ? [] : [`SQL: ${sql}`]),
      ...(err instanceof StatementFailed ? errorDetails(err).map(text) : []),
      ...(fate === '' ? [] : [fate]),
    ],
    fields: {
      ...which?.fields,
      status: 'ERROR',
      error: { message, ...(isServerError(cause) ? { code: cause.code } : {}), line },
      ...(sql === undefined ? {} : { sql }),
    },
  };
}

/** Which statement failed, or which ones it may have been. */
function whichOf({ statement, through }: StatementFailed): {
  readonly label: string;
  readonly fields: Readonly<Record<string, number>>;
  readonly only: SqlStatement | undefined;
} {
  const { number } = statement;
  if (through === number) return { label: `Statement ${number}`, fields: { statement: number }, only: statement };
  const fields = { first_statement: number, last_statement: through };
  return { label: `Statements ${number}-${through}`, fields, only: undefined };
}

function reasonOf(cause: unknown, inStatement: boolean): string | undefined {
  if (cause instanceof QueryStopped) return cause.reason instanceof ExecutionTimeout ? 'TimeoutExceeded' : 'Aborted';
  if (cause instanceof ExecutionTimeout) return 'TimeoutExceeded';
  if (cause instanceof TaskAborted) return 'Aborted';
  if (cause instanceof SqlSourceError || cause instanceof LedgerStop) return cause.reason;
  if (cause instanceof SqlSyntaxError) return 'InvalidSQL';
  if (cause instanceof SpoolError) return 'DiskFull';
  if (!inStatement) return undefined;
  if (isServerError(cause)) return isFatal(cause) ? 'ConnectionLost' : 'StatementFailed';
  return isLost(cause) ? 'ConnectionLost' : 'StatementFailed';
}

/** Whether a login was tried and refused. */
export function isLoginRefused(err: unknown): boolean {
  if (isServerError(err)) return err.code === '28P01' || err.code === '28000';
  return err instanceof PasswordMissing || (err instanceof Error && err.message.startsWith('SASL'));
}

/** What went wrong, also where a host has several addresses. */
export function networkText(err: unknown): string {
  if (err instanceof AggregateError && err.errors.length > 0) return networkText(err.errors[0]);
  return err instanceof Error ? (err.message === '' ? err.name : err.message) : String(err);
}
