import { setTimeout as delay } from 'node:timers/promises';
import type { TransactionLedger } from '../../sql/transaction-ledger.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import type { RollbackText } from './order-lines.ts';
import { OrderedAccounts, UnitAccount } from './ordered-account.ts';
import type { MysqlSession } from '../session/session.ts';
import { blameLoss, CommitLost, SessionWork } from './session-work.ts';
import type { StatementKind } from '../text/statement-kind.ts';
import { isReadOnly } from '../text/statement-kind.ts';
import type { StatementReport } from './statement-report.ts';
import { TransactionTrack } from './transaction-track.ts';

export interface LanesOptions {
  /** The first lane's; the text's other statements run in it as well, while no lane works. */
  readonly session: MysqlSession;
  /** Opens another one. */
  readonly connect: () => Promise<MysqlSession>;
  readonly count: number;
  readonly report: StatementReport;
  readonly fates: TransactionLedger;
  /** How many changes a unit holds. */
  readonly batchSize: number;
  readonly sleepMs: number;
  readonly signal: AbortSignal;
  readonly graceMs: number;
  readonly evidence: (text: string) => void;
  /** Why what is changed here has no rollback; undefined: none is wanted. */
  readonly noRollback: string | undefined;
  /** Told when a lane could not be opened: there are fewer. */
  readonly onRefused: (err: unknown) => void;
}

/** Statements that run in one transaction, or one that reads. */
interface Unit {
  readonly kind: StatementKind;
  readonly statements: SqlStatement[];
}

interface Lane {
  readonly session: MysqlSession;
  hasWorked: boolean;
}

/** So many units for each lane may have ended before one that is slow: their entries wait in memory. */
const MAX_AHEAD = 4;

/** Executes units of a text side by side, each in one of several sessions; tells of them in the text's order. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #accounts: OrderedAccounts;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #free: Lane[];
  readonly #opened: Lane[] = [];
  readonly #working = new Set<Promise<void>>();
  #mayOpen: number;
  #unit: Unit | undefined;
  #failure: { readonly err: unknown } | undefined;
  /** What every lane must set before it works. */
  readonly #setup: string[] = [];

  constructor(options: LanesOptions) {
    this.#options = options;
    this.#accounts = new OrderedAccounts(options.fates);
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
    this.#free = [{ session: options.session, hasWorked: false }];
    this.#mayOpen = options.count - 1;
  }

  /** Takes a change or a query; resolves when more may come. Rejects with the failure of an earlier one. */
  async add(statement: SqlStatement, kind: StatementKind): Promise<void> {
    this.#throwIfFailed();
    if (isReadOnly(kind)) {
      // Units are told of in the order in which they are dispatched.
      await this.#dispatchChanges();
      await this.#dispatch({ kind, statements: [statement] });
      return;
    }
    this.#unit ??= { kind, statements: [] };
    this.#unit.statements.push(statement);
    if (this.#unit.statements.length >= this.#options.batchSize) await this.#dispatchChanges();
  }

  /** Resolves when nothing runs any more. Rejects with the first failure. */
  async drain(): Promise<void> {
    if (this.#failure === undefined) await this.#dispatchChanges();
    this.#unit = undefined;
    await Promise.all(this.#working);
    this.#throwIfFailed();
  }

  /** Sets in every lane what the first one has set. */
  async set(text: string): Promise<void> {
    this.#setup.push(text);
    for (const { session } of this.#opened) await session.query(text);
  }

  /** Stops what runs, and closes what was opened. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('another statement failed'));
    await Promise.all(this.#working);
    await Promise.all(this.#opened.map(({ session }) => session.end()));
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.err;
  }

  async #dispatchChanges(): Promise<void> {
    const unit = this.#unit;
    this.#unit = undefined;
    if (unit !== undefined) await this.#dispatch(unit);
  }

  async #dispatch(unit: Unit): Promise<void> {
    const lane = await this.#lane();
    const place = this.#accounts.take();
    const working = this.#work(lane, unit, place)
      .catch((err: unknown) => {
        this.#failure ??= { err };
        this.#stop.abort(new Error('another statement failed'));
      })
      .finally(() => {
        this.#working.delete(working);
        this.#free.push(lane);
      });
    this.#working.add(working);
  }

  /** A lane that is free: the one that waited longest, or a new one. */
  async #lane(): Promise<Lane> {
    const { count } = this.#options;
    for (;;) {
      this.#throwIfFailed();
      const isAhead = this.#accounts.open >= MAX_AHEAD * count;
      const lane = isAhead ? undefined : (this.#free.shift() ?? (await this.#open()));
      if (lane !== undefined) return lane;
      await Promise.race(this.#working);
    }
  }

  async #open(): Promise<Lane | undefined> {
    if (this.#mayOpen <= 0) return undefined;
    this.#mayOpen -= 1;
    let session: MysqlSession | undefined;
    try {
      session = await this.#options.connect();
      for (const text of this.#setup) await session.query(text);
    } catch (err) {
      this.#mayOpen = 0;
      this.#options.onRefused(err);
      await session?.end();
      return undefined;
    }
    const lane = { session, hasWorked: false };
    this.#opened.push(lane);
    return lane;
  }

  async #work(lane: Lane, { kind, statements }: Unit, place: number): Promise<void> {
    const { report, graceMs, evidence, batchSize, sleepMs, noRollback } = this.#options;
    const { session } = lane;
    const account = new UnitAccount(report);
    const rollback: RollbackText | undefined =
      noRollback === undefined ? undefined : { sql: '', exact: false, message: noRollback };
    const track = new TransactionTrack({ observers: [], report: account, fates: account, rollbackOf: () => rollback });
    const work = new SessionWork({ session, report, track, signal: this.#signal, graceMs, evidence });
    const [first] = statements;
    if (first === undefined) return;
    try {
      if (isReadOnly(kind)) {
        await work.send(first, kind, { observed: false });
        await track.done();
        return;
      }
      if (lane.hasWorked && sleepMs > 0)
        await delay(sleepMs, undefined, { signal: this.#signal }).catch(() => undefined);
      lane.hasWorked = true;
      if (batchSize === 1) {
        const outcome = await work.send(first, kind, { alone: true });
        await track.committed(session, outcome.gtids);
      } else await blameLoss(first, () => this.#transaction(work, statements));
    } finally {
      await this.#accounts.end(place, account);
    }
  }

  async #transaction(work: SessionWork, statements: readonly SqlStatement[]): Promise<void> {
    const [first, last] = [statements[0], statements.at(-1)];
    if (first === undefined || last === undefined) return;
    await work.open(first);
    try {
      await work.sendAll(statements);
      await work.commit(last);
    } catch (err) {
      if (!(err instanceof CommitLost)) await work.rollBack();
      throw err;
    }
  }
}
