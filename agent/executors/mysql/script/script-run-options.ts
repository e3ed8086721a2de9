import type { SqlStatement } from '../../sql/split-statements.ts';
import type { TransactionLedger } from '../../sql/transaction-ledger.ts';
import type { RollbackText } from './order-lines.ts';
import type { MysqlSession, StatementOutcome } from '../session/session.ts';
import type { StatementKind } from '../text/statement-kind.ts';
import type { StatementReport } from './statement-report.ts';
import type { TransactionObserver } from './transaction-observer.ts';

export interface ScriptRunOptions {
  readonly session: MysqlSession;
  readonly report: StatementReport;
  /** Where it is kept what was committed and what was not. */
  readonly fates: TransactionLedger;
  /**
   * How many changing statements a transaction of ours holds; with 1 each is on its own, with Infinity the whole text is
   * in one, which nothing in it may end.
   */
  readonly batchSize: number;
  /** Between two transactions. */
  readonly sleepMs: number;
  /** Aborts with why the task is to end. */
  readonly signal: AbortSignal;
  /** See `RunStatementOptions`. */
  readonly graceMs: number;
  readonly evidence: (text: string) => void;
  /** False of Doris, where every statement is on its own. */
  readonly hasTransactions: boolean;
  /** A change is in a transaction that is opened for it even where a batch holds one only: a ledger writes in it. */
  readonly alwaysOpens?: boolean;
  readonly observers?: readonly TransactionObserver[];
  /** What undoes a statement that was committed. */
  readonly rollbackOf?: (number: number) => RollbackText | undefined;
  /** See `TransactionTrackOptions`. */
  readonly onSettled?: (through: number, committed: boolean) => Promise<void>;
  /** Called with each statement before it is sent; what it rejects with is why it is not. */
  readonly onStatement?: (statement: SqlStatement, kind: StatementKind) => Promise<void> | undefined;
  /** Called with each statement that was executed within a transaction; what it rejects with undoes that. */
  readonly onExecuted?: (statement: SqlStatement, kind: StatementKind, outcome: StatementOutcome) => Promise<void>;
}
