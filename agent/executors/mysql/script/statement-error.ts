import type { SqlStatement } from '../../sql/split-statements.ts';
import { isServerError } from '../session/server-error.ts';

/** A statement of a task's text failed. */
export class StatementFailed extends Error {
  override readonly name = 'StatementFailed';
  readonly statement: SqlStatement;
  /** The number of the last one that it may be about: of several that were sent together, the server said no more. */
  readonly through: number;
  override readonly cause: unknown;
  /** What else is to be known of it. */
  readonly note: string | undefined;

  constructor(
    statement: SqlStatement,
    cause: unknown,
    { through = statement.number, note }: { readonly through?: number; readonly note?: string } = {},
  ) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.statement = statement;
    this.through = Math.max(through, statement.number);
    this.cause = cause;
    this.note = note;
  }
}

/** A line of the facts of an error: `SQLSTATE: 42S02, error 1146, line 3`; empty when there is nothing to tell. */
export function errorDetails({ cause, statement: { number, line } }: StatementFailed): string {
  const where = number === 1 && line === 1 ? '' : `line ${line}`;
  if (!isServerError(cause)) return where === '' ? '' : `At ${where}`;
  return `SQLSTATE: ${cause.sqlState}, error ${cause.errno}${where === '' ? '' : `, ${where}`}`;
}

/** The text ends in a transaction of its own. */
export const notEnded = (last: SqlStatement, { number, line }: SqlStatement): StatementFailed =>
  new StatementFailed(
    last,
    new Error(`the text ends without COMMIT in the transaction that statement ${number} begins in line ${line}`),
  );
