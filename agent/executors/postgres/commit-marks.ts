import { LEDGER_TABLE } from '../ledger/ledger-sql.ts';
import type { SqlStatement } from '../sql/split-statements.ts';
import type { PostgresLedger } from './postgres-ledger.ts';
import { answerTo } from './run-query.ts';
import type { Session } from './session.ts';
import { StatementFailed } from './statement-error.ts';
import type { StatementReport } from './statement-report.ts';

export interface CommitMarksOptions {
  readonly ledger?: PostgresLedger | undefined;
  readonly session: Session;
  readonly report: StatementReport;
}

/** Writes into a text's transactions what they commit, where the task has a ledger. */
export class CommitMarks {
  readonly #ledger: PostgresLedger | undefined;
  readonly #session: Session;
  readonly #report: StatementReport;
  #first: SqlStatement | undefined;
  #affected = 0;

  constructor({ ledger, session, report }: CommitMarksOptions) {
    this.#ledger = ledger;
    this.#session = session;
    this.#report = report;
  }

  /** A transaction was opened: the text's own by `first` itself. */
  opened(first: SqlStatement | undefined): void {
    this.#first = first;
    this.#affected = 0;
  }

  executed(affectedRows: number): void {
    this.#affected += affectedRows;
  }

  /** To be called when everything up to this statement is to be committed, just before it is. */
  async committing({ number, line }: SqlStatement): Promise<void> {
    // What may only read has nothing to commit; what has failed cannot.
    if (this.#ledger === undefined || this.#session.transaction !== 'open' || this.#isReadOnly) return;
    try {
      await this.#ledger.committing({ first: this.#first?.number ?? number, last: number }, this.#affected);
    } catch (err) {
      throw new StatementFailed({ number, line, text: `INSERT INTO ${LEDGER_TABLE}` }, err);
    }
  }

  /** To be called when it has ended: it is committed, or rolled back by the text. */
  async ended(last: number, committed = true): Promise<void> {
    if (this.#ledger !== undefined) await this.#report.checkpoint(last, committed);
  }

  /** What became of a transaction up to this statement, whose COMMIT got no answer. */
  async settle(last: number): Promise<'committed' | 'rolledBack' | 'unknown'> {
    return this.#ledger === undefined || this.#isReadOnly ? 'unknown' : this.#ledger.settle(last);
  }

  /** Sends a statement that commits by itself, and keeps before and after that it does. */
  async around(statement: SqlStatement, send: () => Promise<void>): Promise<void> {
    await this.#ledger?.starting(statement);
    this.#affected = 0;
    try {
      await send();
    } catch (err) {
      const answer = answerTo(err instanceof StatementFailed ? err.cause : err);
      if (answer === 'failed' || answer === 'unsent') await this.#ledger?.refused(statement.number);
      throw err;
    }
    await this.#ledger?.done(statement.number, this.#affected);
    await this.ended(statement.number);
  }

  get #isReadOnly(): boolean {
    return /^\s*(BEGIN|START)\b.*\bREAD\s+ONLY\b/is.test(this.#first?.text ?? '');
  }
}
