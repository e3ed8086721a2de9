import type { TransactionLedger } from '../../sql/transaction-ledger.ts';
import type { RollbackText } from './order-lines.ts';
import type { ExecutedStatement, StatementReport } from './statement-report.ts';
import type { TransactionFate } from './transaction-observer.ts';

/** What is told of the statements of one unit, once all before it are told of. */
export class UnitAccount {
  readonly #report: StatementReport;
  #first = 0;
  #last = 0;
  #ended: TransactionFate | 'prepared' | undefined;
  readonly #settled: Parameters<StatementReport['settled']>[] = [];

  constructor(report: StatementReport) {
    this.#report = report;
  }

  /** As of `TransactionLedger`: a unit's statements follow one another. */
  executed(number: number): void {
    if (this.#first === 0) this.#first = number;
    this.#last = number;
  }

  ended(fate: TransactionFate | 'prepared'): void {
    this.#ended = fate;
  }

  /** As of `StatementReport`: logged at once. */
  executedNow(...args: Parameters<StatementReport['executedNow']>): ReturnType<StatementReport['executedNow']> {
    return this.#report.executedNow(...args);
  }

  async settled(executed: ExecutedStatement, status: string, rollback?: RollbackText): Promise<void> {
    const isChange = rollback !== undefined && executed.affectedRows > 0;
    this.#settled.push(isChange ? [executed, status, rollback] : [executed, status]);
  }

  /** Tells it. */
  async tell(fates: TransactionLedger): Promise<void> {
    for (let number = this.#first; number <= this.#last && number > 0; number += 1) fates.executed(number, 'open');
    if (this.#ended !== undefined) fates.ended(this.#ended);
    for (const settled of this.#settled) await this.#report.settled(...settled);
  }
}

/** Tells of units in their order, in whatever order they end. */
export class OrderedAccounts {
  readonly #fates: TransactionLedger;
  readonly #waiting = new Map<number, UnitAccount>();
  #given = 0;
  #next = 0;
  #telling: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(fates: TransactionLedger) {
    this.#fates = fates;
  }

  /** The place of the next unit. */
  take(): number {
    return this.#given++;
  }

  /** How many units have ended, or not, and are not told of. */
  get open(): number {
    return this.#given - this.#next;
  }

  /** A unit has ended. Rejects when an entry could not be written. */
  async end(place: number, account: UnitAccount): Promise<void> {
    this.#waiting.set(place, account);
    this.#telling = this.#telling.then(() => this.#tell());
    await this.#telling;
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  async #tell(): Promise<void> {
    for (let account = this.#waiting.get(this.#next); account !== undefined; account = this.#waiting.get(this.#next)) {
      this.#waiting.delete(this.#next);
      this.#next += 1;
      await account.tell(this.#fates).catch((err: unknown) => (this.#failure ??= err));
    }
  }
}
