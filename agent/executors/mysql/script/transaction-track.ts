import type { TransactionLedger } from '../../sql/transaction-ledger.ts';
import { cutText } from '../../../output/utf8.ts';
import type { RowSink } from '../../sql/result-writer.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import type { RollbackText } from './order-lines.ts';
import type { MysqlSession, StatementOutcome } from '../session/session.ts';
import type { StatementKind } from '../text/statement-kind.ts';
import { SUCCESS } from './statement-report.ts';
import type { ExecutedStatement, StatementReport } from './statement-report.ts';
import type { SentStatement, TransactionFate, TransactionObserver } from './transaction-observer.ts';

export interface TransactionTrackOptions {
  /** In the order in which they are called. */
  readonly observers: readonly TransactionObserver[];
  readonly report: Pick<StatementReport, 'executedNow' | 'settled'>;
  /** Where it is kept what was committed and what was not. */
  readonly fates: Pick<TransactionLedger, 'executed' | 'ended'>;
  /** What undoes a statement that was committed. */
  readonly rollbackOf: (number: number) => RollbackText | undefined;
  /** Told when everything up to a statement is in the result and will not change: it is committed, or only read. */
  readonly onSettled?: ((through: number, committed: boolean) => Promise<void>) | undefined;
}

export interface ExecutedAs {
  readonly kind: StatementKind;
  readonly outcome: StatementOutcome;
  readonly observed: boolean;
}

/** Of a statement that has not ended. */
const NOTHING: StatementOutcome = {
  ...{ affectedRows: 0, rows: undefined, info: '', warnings: 0, gtids: undefined, inTransaction: false },
};
/** Results that wait for the end of their transaction are open files, once they are long. */
const MAX_WAITING_RESULTS = 16;
/** So much of the statements of a transaction is kept whole for observers; of the rest only their beginnings. */
const MAX_KEPT_CHARS = 4 * 1024 * 1024;
/** The verb and the table stand there. */
const MAX_HEAD_BYTES = 256;
const MAX_OBSERVED = 1_000_000;
const STATUSES: Readonly<Record<TransactionFate | 'prepared', string>> = {
  committed: SUCCESS,
  prepared: SUCCESS,
  rolledBack: 'Rolled back',
  unknown: 'Outcome unknown',
};

/** What one transaction holds until it ends: for its observers, the result and the account of what was committed. */
export class TransactionTrack {
  readonly #options: TransactionTrackOptions;
  #pending: ExecutedStatement[] = [];
  #results = 0;
  #changes = 0;
  #sent: SentStatement[] = [];
  #keptChars = 0;

  constructor(options: TransactionTrackOptions) {
    this.#options = options;
  }

  /** So many results wait that the transaction should end, or not wait for its end. */
  get isCrowded(): boolean {
    return this.#results >= MAX_WAITING_RESULTS;
  }

  /** Whether the open transaction has changed rows. */
  get hasChanges(): boolean {
    return this.#changes > 0;
  }

  async before(session: MysqlSession, first: SqlStatement, selfCommitting: boolean): Promise<void> {
    for (const observer of this.#options.observers) await observer.beforeTransaction?.(session, first, selfCommitting);
  }

  /** The server has executed a statement; `observed`: as part of a transaction that observers see. */
  executed(
    statement: SqlStatement,
    { kind, outcome, observed }: ExecutedAs,
    how: { readonly seconds: number; readonly sinks: readonly RowSink[] },
  ): Promise<void> | undefined {
    const { report, fates } = this.#options;
    fates.executed(statement.number, 'open');
    this.#changes += outcome.affectedRows;
    if (observed) this.keepSent(statement, kind, outcome);
    const { executed, logged } = report.executedNow(statement, outcome, how);
    this.#results += executed.sinks.length;
    const last = this.#pending.at(-1);
    if (executed.sql === undefined && last?.sql === undefined && last !== undefined)
      this.#pending[this.#pending.length - 1] = {
        ...last,
        lastNumber: executed.number,
        affectedRows: last.affectedRows + executed.affectedRows,
      };
    else this.#pending.push(executed);
    return logged;
  }

  /** Writes what waits though its transaction goes on: it holds too much. */
  async writeEarly(): Promise<void> {
    await this.#settle(SUCCESS, () => ({ sql: '', exact: false, message: 'its transaction was not yet committed' }));
  }

  async beforeCommit(session: MysqlSession): Promise<void> {
    for (const observer of this.#options.observers) await observer.beforeCommit?.(session, this.#sent);
  }

  async committed(session: MysqlSession, gtids: string | undefined): Promise<void> {
    const { fates, observers, rollbackOf } = this.#options;
    fates.ended('committed');
    const sent = this.#takeSent();
    try {
      for (const observer of observers) await observer.committed?.(session, sent, gtids);
    } finally {
      const through = await this.#settle(STATUSES.committed, rollbackOf);
      if (through !== undefined) await this.#options.onSettled?.(through, true);
    }
  }

  /** What was executed outside of a transaction that observers see. */
  async done(): Promise<void> {
    this.#changes = 0;
    this.#options.fates.ended('committed');
    const through = await this.#settle(STATUSES.committed);
    if (through !== undefined) await this.#options.onSettled?.(through, false);
  }

  /** The server refused a statement that is a transaction by itself. */
  async refused(statement: SqlStatement, kind: StatementKind): Promise<void> {
    this.keepSent(statement, kind);
    const sent = this.#takeSent();
    for (const observer of this.#options.observers) await observer.ended?.(sent, 'rolledBack');
  }

  /** Nobody heard what the server made of a statement that is a transaction by itself. */
  async lost(statement: SqlStatement, kind: StatementKind): Promise<void> {
    this.#options.fates.executed(statement.number, 'open');
    this.keepSent(statement, kind);
    await this.ended('unknown');
  }

  /** Kept by the server for another to decide on. */
  async prepared(): Promise<void> {
    this.#options.fates.ended('prepared');
    const sent = this.#takeSent();
    for (const observer of this.#options.observers) await observer.ended?.(sent, 'unknown');
    await this.#settle(STATUSES.prepared);
  }

  /** Rolled back, or nobody knows; resolves to what is known. */
  async ended(outcome: 'rolledBack' | 'unknown'): Promise<TransactionFate> {
    const sent = this.#takeSent();
    let fate: TransactionFate = outcome;
    for (const observer of this.#options.observers) {
      const told = await observer.ended?.(sent, outcome);
      if (told !== undefined && told !== 'unknown') fate = told;
    }
    this.#options.fates.ended(fate);
    await this.#settle(STATUSES[fate], fate === 'committed' ? this.#options.rollbackOf : undefined);
    return fate;
  }

  /** Lets observers see a statement of the open transaction. */
  keepSent({ number, text }: SqlStatement, kind: StatementKind, outcome: StatementOutcome = NOTHING): void {
    if (this.#options.observers.length === 0) return;
    if (this.#sent.length >= MAX_OBSERVED)
      throw new Error(
        `a transaction of more than ${MAX_OBSERVED} statements cannot be backed up or kept in a ledger: set exec_options.backup and exec_options.ledger to false, or COMMIT more often`,
      );
    this.#keptChars += text.length;
    const kept = this.#keptChars > MAX_KEPT_CHARS ? cutText(text, MAX_HEAD_BYTES) : text;
    // Most statements of a long transaction end alike.
    const last = this.#sent.at(-1)?.outcome;
    this.#sent.push({
      number,
      text: kept,
      kind,
      outcome: last !== undefined && isSame(last, outcome) ? last : outcome,
    });
  }

  #takeSent(): readonly SentStatement[] {
    const sent = this.#sent;
    this.#sent = [];
    this.#keptChars = 0;
    this.#changes = 0;
    return sent;
  }

  /** Resolves to the last statement that waited. */
  async #settle(
    status: string,
    rollbackOf: TransactionTrackOptions['rollbackOf'] = () => undefined,
  ): Promise<number | undefined> {
    const pending = this.#pending;
    this.#pending = [];
    this.#results = 0;
    for (const executed of pending) await this.#options.report.settled(executed, status, rollbackOf(executed.number));
    return pending.at(-1)?.lastNumber ?? pending.at(-1)?.number;
  }
}

const isSame = (a: StatementOutcome, b: StatementOutcome): boolean =>
  a.affectedRows === b.affectedRows &&
  a.rows === b.rows &&
  a.info === b.info &&
  a.warnings === b.warnings &&
  a.gtids === b.gtids &&
  a.inTransaction === b.inTransaction;
