import type { SqlStatement } from '../../sql/split-statements.ts';
import type { MysqlSession, StatementOutcome } from '../session/session.ts';
import type { StatementKind } from '../text/statement-kind.ts';

/** A statement that the server has executed. */
export interface SentStatement {
  /** From 1, of the task's text. */
  readonly number: number;
  readonly text: string;
  readonly kind: StatementKind;
  readonly outcome: StatementOutcome;
}

/** What became of a transaction that the server did not confirm. */
export type TransactionFate = 'committed' | 'rolledBack' | 'unknown';

/**
 * Sees every transaction that a script has: those that are opened for its batches, its own, and statements that are a
 * transaction by themselves. One transaction at a time, its calls in this order: `beforeTransaction`, `beforeCommit`,
 * then `committed` or `ended`. A call that rejects fails the statement that it is about; what is open is rolled back.
 *
 * A statement that only reads and stands outside of a transaction is not seen.
 */
export interface TransactionObserver {
  /**
   * Before the transaction is opened (before START TRANSACTION), or before a statement that commits by itself is sent.
   * `first`: its first statement; of a transaction of the text its BEGIN.
   */
  beforeTransaction?(session: MysqlSession, first: SqlStatement, selfCommitting: boolean): Promise<void>;
  /** In the open transaction, after its last statement and before COMMIT is sent; not of self-committing ones. */
  beforeCommit?(session: MysqlSession, statements: readonly SentStatement[]): Promise<void>;
  /**
   * The server has committed: its answer to COMMIT has come, or that to the self-committing statement. `gtids` as in
   * `StatementOutcome`. The session has executed nothing since.
   */
  committed?(session: MysqlSession, statements: readonly SentStatement[], gtids: string | undefined): Promise<void>;
  /**
   * The transaction was rolled back, or nobody knows (`unknown`: the connection was lost in COMMIT, or in a statement
   * that commits by itself). Resolves to what is known: `outcome`, unless the observer can tell more.
   */
  ended?(statements: readonly SentStatement[], outcome: 'rolledBack' | 'unknown'): Promise<TransactionFate>;
}
