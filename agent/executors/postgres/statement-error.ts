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

/** A statement of a task's text failed. */
export class StatementFailed extends Error {
  override readonly name = 'StatementFailed';
  readonly statement: SqlStatement;
  /** In the task's text, from 1. */
  readonly line: number;
  override readonly cause: unknown;

  constructor(statement: SqlStatement, cause: unknown, line: number = statement.line) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.statement = statement;
    this.cause = cause;
    this.line = line;
  }
}

/** What to do about an error that comes of how tasks are executed: not the server's to say. */
const ADVICE: Readonly<Record<string, string>> = {
  // "cannot run inside a transaction block", "invalid transaction termination"
  '25001': 'exec_options.trans_batch_size 1 executes each statement in a transaction of its own',
  '2D000': 'exec_options.trans_batch_size 1 executes each statement in a transaction of its own',
};

/** The facts of an error, a line each: `SQLSTATE: 42P01, line 3`, `DETAIL: …`, `HINT: …`. */
export function errorDetails({ cause, line, statement }: StatementFailed): readonly string[] {
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
