import { TaskFailure } from '../../../task-failure.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import { isServerError } from '../session/server-error.ts';
import type { StatementOutcome } from '../session/session.ts';
import { StatementFailed } from '../script/statement-error.ts';
import type { StatementKind } from '../text/statement-kind.ts';
import { NOT_EXACT } from './rollback-script.ts';
import { GUARD, GUARD_END } from './rollback-statement.ts';

export interface RollbackRunOptions {
  /** Rows that have changed since are overwritten, and a script that is not exact runs all the same. */
  readonly force: boolean;
  /** Told of rows that a forced rollback did not find. */
  readonly warn: (message: string) => Promise<void> | undefined;
}

/**
 * A rollback is one transaction as long as nothing in it commits by itself and the agent can keep account of it, which
 * takes about 500 bytes for each statement; cut into several, what is committed is always the newest.
 */
export const ROLLBACK_BATCH = 200_000;

const INSERT = /^INSERT(?: IGNORE)? INTO `(?:[^`]|``)*`\.`(?:[^`]|``)*` \(((?:`(?:[^`]|``)*`(?:, )?)+)\) VALUES \(/;
const NAMES = /`(?:[^`]|``)*`/g;
const MATCHED = /Rows matched: (\d+)/;
const MAX_SHOWN_CHARS = 300;
const ERRNO = {
  unknownColumn: 1054,
  duplicateKey: 1062,
  unknownTable: 1146,
  referredTo: 1451,
  refersToNothing: 1452,
} as const;
const CONFLICTS: readonly number[] = Object.values(ERRNO);

/** What is different when a script is the rollback of a task: each statement must find its one row as it was left. */
export class RollbackRun {
  readonly #options: RollbackRunOptions;

  constructor(options: RollbackRunOptions) {
    this.#options = options;
  }

  /** The statements as they are to be sent. Rejects with `TaskFailure` when the script is one that must be forced. */
  async *statements(script: AsyncIterable<SqlStatement>): AsyncGenerator<SqlStatement> {
    for await (const statement of script) {
      if (this.#options.force) {
        yield { ...statement, text: forced(statement.text) };
        continue;
      }
      if (statement.text === NOT_EXACT)
        throw new TaskFailure(
          'RollbackNotExact',
          'the rollback does not bring back every row as it was: see the status of the task that it undoes; params.force runs it all the same',
        );
      yield statement;
    }
  }

  /** To be called with what the server said of each statement. Rejects with `TaskFailure`: a conflict. */
  async executed({ text }: SqlStatement, kind: StatementKind, outcome: StatementOutcome): Promise<void> {
    if (kind !== 'dml') return;
    const rows = Number(MATCHED.exec(outcome.info)?.[1] ?? outcome.affectedRows);
    if (this.#options.force) {
      if (rows === 0) await this.#options.warn(`no row to roll back: ${rowOf(text)}`);
      return;
    }
    if (rows === 1) return;
    throw conflict(text, rows === 0 ? 'it has been changed or deleted since' : `the statement found ${rows} rows`);
  }

  /** The server's refusal of a statement, in words for who rolls back. */
  explain(err: unknown): unknown {
    if (!(err instanceof StatementFailed) || !isServerError(err.cause)) return err;
    const { errno, message } = err.cause;
    if (!CONFLICTS.includes(errno)) return err;
    return new StatementFailed(err.statement, conflict(err.statement.text, `the server says: ${message}`));
  }
}

function conflict(text: string, why: string): TaskFailure {
  return new TaskFailure(
    'RollbackConflict',
    `the row is not as the task left it: ${rowOf(text)}: ${why}. params.force overwrites what others have changed`,
  );
}

/** `` `shop`.`orders` WHERE `id`=7 `` */
function rowOf(text: string): string {
  const guard = text.indexOf(GUARD);
  const head = (guard < 0 ? text : text.slice(0, guard)).replace(/ SET .* WHERE /s, ' WHERE ');
  const row = head.replace(/^(?:UPDATE(?: IGNORE)?|DELETE FROM|INSERT(?: IGNORE)? INTO) /, '');
  return row.length > MAX_SHOWN_CHARS ? `${row.slice(0, MAX_SHOWN_CHARS)}…` : row;
}

/** Without the guard, and over a row that has the key again. */
function forced(text: string): string {
  const guard = text.indexOf(GUARD);
  if (guard >= 0 && text.endsWith(GUARD_END)) return `${text.slice(0, guard)}${GUARD_END}`;
  const columns = INSERT.exec(text)?.[1]?.match(NAMES);
  if (!columns) return text;
  return `${text} ON DUPLICATE KEY UPDATE ${columns.map((name) => `${name}=VALUES(${name})`).join(', ')}`;
}
