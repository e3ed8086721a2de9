import type { SqlStatement } from '../sql/split-statements.ts';

/** What PostgreSQL says of an error. */
export interface ServerError {
  readonly message: string;
  readonly severity?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
  /** From 1, in characters of the text that was sent. */
  readonly position?: string;
}

export const isServerError = (err: unknown): err is ServerError & Error =>
  err instanceof Error && typeof (err as { severity?: unknown }).severity === 'string';

/**
 * Whether the server ended the connection with it: what it was doing may have been done. Severities come in the server's
 * language, so the codes count as well (57P: operator intervention, 08: connection).
 */
export const isFatal = ({ severity, code = '' }: ServerError): boolean =>
  severity === 'FATAL' || severity === 'PANIC' || /^(57P|08)/.test(code);

/** We closed the connection, or found it closed. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** Whether the connection is gone, and the server said nothing of it. */
export const isLost = (err: unknown): boolean =>
  err instanceof ConnectionLost ||
  (err instanceof Error &&
    !isServerError(err) &&
    ((err as NodeJS.ErrnoException).syscall !== undefined || err.message.startsWith('Connection terminated')));

/** A statement of a task's text failed. */
export class StatementFailed extends Error {
  override readonly name = 'StatementFailed';
  readonly statement: SqlStatement;
  /** The number of the last one that it may be about: several are sent together, and the server did not say which. */
  readonly through: number;
  /** In the task's text, from 1. */
  readonly line: number;
  override readonly cause: unknown;

  constructor(
    statement: SqlStatement,
    cause: unknown,
    where: { readonly line?: number; readonly through?: number } = {},
  ) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.statement = statement;
    this.cause = cause;
    this.line = where.line ?? statement.line;
    this.through = where.through ?? statement.number;
  }
}

const ALONE =
  'exec_options.trans_batch_size 1 executes each statement in a transaction of its own, unless exec_options.transaction is set';
/** What to do about an error that comes of how tasks are executed: not the server's to say. */
const ADVICE: Readonly<Record<string, string>> = {
  // "cannot run inside a transaction block", "invalid transaction termination"
  '25001': ALONE,
  '2D000': ALONE,
};

/** The facts of an error, a line each: `SQLSTATE: 42P01, line 3`, `DETAIL: …`, `HINT: …`. */
export function errorDetails({ cause, line, statement, through }: StatementFailed): readonly string[] {
  if (through !== statement.number) return [];
  const where = statement.number === 1 && line === 1 ? '' : `line ${line}`;
  if (!isServerError(cause)) return where === '' ? [] : [`At ${where}`];
  const { code, detail, hint, where: context } = cause;
  const advice = code === undefined ? undefined : ADVICE[code];
  return [
    ...(code === undefined ? [] : [`SQLSTATE: ${code}${where === '' ? '' : `, ${where}`}`]),
    ...(detail === undefined ? [] : [`DETAIL: ${detail}`]),
    ...(hint === undefined ? [] : [`HINT: ${hint}`]),
    ...(context === undefined ? [] : [`CONTEXT: ${context}`]),
    ...(advice === undefined ? [] : [`HINT: ${advice}`]),
  ];
}
