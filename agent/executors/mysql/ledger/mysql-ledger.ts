import { setTimeout as delay } from 'node:timers/promises';
import type { OutputNote } from '../../../output/kept-output.ts';
import { NO_PAST } from '../../ledger/ledger-past.ts';
import type { LedgerPast } from '../../ledger/ledger-past.ts';
import { LedgerSql } from '../../ledger/ledger-sql.ts';
import type { LedgerEntry, LedgerRun } from '../../ledger/ledger-sql.ts';
import { LedgeredText } from '../../ledger/ledgered-text.ts';
import type { StartedOutcome } from '../../ledger/ledgered-text.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import { fence, lockName, prepareTable, readPast, STATEMENT_MS } from './ledger-table.ts';
import { OutsideTransactions } from './outside-transactions.ts';
import { sessionEffect, sessionNeed } from './session-effect.ts';
import { MysqlSession } from '../session/session.ts';
import { lookAfterStart, lookBeforeStart } from './started-outcome.ts';
import { statementKind } from '../text/statement-kind.ts';
import type { StatementKind } from '../text/statement-kind.ts';
import type { SentStatement, TransactionFate, TransactionObserver } from '../script/transaction-observer.ts';

/** How long to look for a server whose answer to a COMMIT was lost, and how long when the task is to end. */
const SETTLE_MS = 30_000;
const SETTLE_HURRY_MS = 5_000;
const SETTLE_AGAIN_MS = 500;
const FREES_LOCKS = /\bRELEASE_ALL_LOCKS\s*\(|\bRELEASE_LOCK\s*\(\s*['"]tiangong\//i;
const CHAINS = /\bAND\s+CHAIN\b|\bCOMPLETION_TYPE\b/i;

export interface MysqlLedgerOptions {
  readonly run: LedgerRun;
  readonly resumed: boolean;
  /** See `LedgeredTextOptions`. */
  readonly lookOnly: string | undefined;
  readonly signal: AbortSignal;
  /** Whether one transaction holds the whole text. */
  readonly whole: boolean;
  /** Told of a statement that commits by itself, and that the earlier process is found to have executed. */
  readonly onFound: (number: number) => Promise<void>;
  /** What the report of an earlier process says. */
  readonly told: Pick<OutputNote, 'through' | 'committed'>;
}

/**
 * A task's ledger on its own server: a row in each transaction, so that what is committed is what the ledger says; of what
 * no transaction holds, rows before and after it, by a second connection. The first one holds a lock as long as it lives,
 * which tells a later process that nothing of this one can still commit.
 */
export class MysqlLedger implements TransactionObserver {
  readonly past: LedgerPast;
  readonly #session: MysqlSession;
  /** What a text makes of its own session is no matter here. */
  readonly #beside: MysqlSession;
  readonly #sql: LedgerSql;
  readonly #options: MysqlLedgerOptions;
  readonly #text: LedgeredText;
  readonly #outside = new OutsideTransactions();
  /** The first statement of the open transaction. */
  #first: SqlStatement | undefined;
  /** The last statement with a row that was committed with it. */
  #marked = 0;
  /** Statements with a row that says that they were begun. */
  readonly #started = new Set<number>();

  private constructor(sessions: readonly [MysqlSession, MysqlSession], options: MysqlLedgerOptions, past: LedgerPast) {
    [this.#session, this.#beside] = sessions;
    this.#options = options;
    this.#sql = new LedgerSql(options.run);
    this.past = past;
    this.#text = new LedgeredText({
      ...{ past, toldThrough: options.told.through, rollsBackSettings: false, lookOnly: options.lookOnly },
      effectOf: (text) => sessionEffect(text, this.#session),
      needOf: (text, isFirst) => sessionNeed(text, this.#session, isFirst),
      outcomeOf: ({ text }, { before }) => this.#outcomeOf(text, before),
      onDone: async (number) => {
        await this.#write(this.#sql.done(number, 0));
        await options.onFound(number);
      },
    });
  }

  /** Rejects with `TaskFailure` when there can be no ledger, else with what the server or the signal says. */
  static async open(session: MysqlSession, options: MysqlLedgerOptions): Promise<MysqlLedger> {
    const sql = new LedgerSql(options.run);
    await fence(session, lockName(options.run), options.signal);
    const beside = await MysqlSession.connect(session.target);
    try {
      const past = options.resumed ? await readPast(beside, sql, options.told) : NO_PAST;
      await prepareTable(beside, sql, past.begun);
      const ledger = new MysqlLedger([session, beside], options, past);
      await ledger.#outside.read(beside);
      return ledger;
    } catch (err) {
      await beside.end();
      throw err;
    }
  }

  /** The statements that are to be executed. See `LedgeredText.left`. */
  left(statements: AsyncIterable<SqlStatement>): AsyncIterable<SqlStatement> {
    return this.#text.left(statements);
  }

  /** To be called before each statement is sent. Rejects with why it cannot be, with a ledger. */
  async beforeStatement(statement: SqlStatement, kind: StatementKind): Promise<void> {
    const { text } = statement;
    if (FREES_LOCKS.test(text)) throw new Error('exec_options.ledger needs its lock, which this would free');
    if (!this.#session.autocommit && kind !== 'set')
      throw new Error('exec_options.ledger needs autocommit: begin with BEGIN what is to be committed together');
    if (['commit', 'rollback', 'set'].includes(kind) && CHAINS.test(text))
      throw new Error('exec_options.ledger cannot follow AND CHAIN: begin the next transaction with BEGIN');
    this.#outside.note(text, kind);
    // In a transaction, what it does by itself outlives a ROLLBACK. A batch of ours is committed before it.
    const isWithin = kind === 'call' && (this.#options.whole || this.#isOwn);
    if (isWithin || (await this.#outside.changes(this.#beside, text, kind))) await this.#start(statement);
  }

  async beforeTransaction(_session: MysqlSession, first: SqlStatement, selfCommitting: boolean): Promise<void> {
    if (selfCommitting) await this.#start(first);
    else this.#first = first;
  }

  async beforeCommit(session: MysqlSession, statements: readonly SentStatement[]): Promise<void> {
    const last = statements.at(-1)?.number ?? this.#first?.number;
    // Settings that were made again commit nothing new; what may only read has nothing to commit.
    if (last === undefined || last <= this.past.through || this.#isReadOnly) return;
    const first = Math.max(this.#first?.number ?? last, this.past.through + 1);
    const row = this.#sql.insert(this.#entry(first, last, 'committed', affectedBy(statements)));
    await session.execute(this.#started.has(last) ? replacing(row) : row, STATEMENT_MS);
    this.#marked = last;
  }

  async committed(_session: MysqlSession, statements: readonly SentStatement[]): Promise<void> {
    const [first, last, isReadOnly] = [this.#first, statements.at(-1), this.#isReadOnly];
    this.#first = undefined;
    // A procedure has committed what was open.
    const unmarked = first !== undefined && last !== undefined && this.#marked < last.number && !isReadOnly;
    if (unmarked)
      await this.#write(
        replacing(this.#sql.insert(this.#entry(first.number, last.number, 'done', affectedBy(statements)))),
      );
    for (const number of this.#started)
      if (first === undefined) await this.#write(this.#sql.done(number, affectedBy(statements)));
      else if (number !== last?.number) await this.#write(this.#sql.done(number, 0));
    this.#started.clear();
  }

  async ended(statements: readonly SentStatement[], outcome: 'rolledBack' | 'unknown'): Promise<TransactionFate> {
    const inTransaction = this.#first !== undefined;
    const isReadOnly = this.#isReadOnly;
    this.#first = undefined;
    const last = statements.at(-1);
    if (outcome === 'rolledBack') {
      if (this.#session.broken === undefined && !inTransaction) await this.#forgetStarted();
      return outcome;
    }
    if (last === undefined || isReadOnly) return outcome;
    // XA PREPARE: the server keeps it for another to decide on.
    if (last.kind === 'xa') return outcome;
    return this.#settle(last, inTransaction);
  }

  /** Frees the lock; rows stay. */
  async close(): Promise<void> {
    await this.#beside.end();
    if (this.#session.broken !== undefined) return;
    const sql = `DO RELEASE_LOCK('${lockName(this.#options.run)}')`;
    await this.#session.execute(sql, STATEMENT_MS).catch(() => undefined);
  }

  async #start(statement: SqlStatement): Promise<void> {
    const { number, text } = statement;
    if (this.#started.has(number)) return;
    const schema = this.#session.schema ?? '';
    const sight = await lookBeforeStart(this.#beside, text, schema);
    const before = sight === '' ? '' : `${sight}:${Buffer.from(schema).toString('hex')}`;
    await this.#write(replacing(this.#sql.insert({ ...this.#entry(number, number, 'started', 0), before })));
    this.#started.add(number);
  }

  /** The server refused it. */
  async #forgetStarted(): Promise<void> {
    for (const number of this.#started) await this.#write(this.#sql.remove(number)).catch(() => undefined);
    this.#started.clear();
  }

  /** What became of a transaction, or of a statement that is one, whose connection was lost. */
  async #settle({ number, text }: SentStatement, inTransaction: boolean): Promise<TransactionFate> {
    const { run, signal } = this.#options;
    const since = performance.now();
    while (performance.now() - since < (signal.aborted ? SETTLE_HURRY_MS : SETTLE_MS)) {
      const session = await MysqlSession.connect(this.#session.target).catch(() => undefined);
      try {
        if (session === undefined) continue;
        await fence(session, lockName(run), AbortSignal.timeout(SETTLE_HURRY_MS));
        const [row] = await session.rows(this.#sql.read(number));
        if (inTransaction) return fateBy(row, number);
        const outcome = await this.#outcomeOf(text, row?.['before_state'] ?? '', session);
        if (outcome === 'unknown') return 'unknown';
        await session.execute(outcome === 'done' ? this.#sql.done(number, 0) : this.#sql.remove(number), STATEMENT_MS);
        return outcome === 'done' ? 'committed' : 'rolledBack';
      } catch {
        // Tried again.
      } finally {
        await session?.end();
        await delay(SETTLE_AGAIN_MS);
      }
    }
    return 'unknown';
  }

  async #outcomeOf(text: string, before: string, session = this.#beside): Promise<StartedOutcome> {
    const [sight = '', schema = ''] = before.split(':');
    return lookAfterStart(session, text, Buffer.from(schema, 'hex').toString(), sight);
  }

  #entry(first: number, last: number, state: LedgerEntry['state'], affectedRows: number): LedgerEntry {
    return { first, last, digest: this.#text.digestAt(last), state, affectedRows };
  }

  async #write(sql: string): Promise<void> {
    await this.#beside.execute(sql, STATEMENT_MS);
  }

  /** Whether the open transaction is the text's own. */
  get #isOwn(): boolean {
    return this.#first !== undefined && statementKind(this.#first.text, this.#session.serverVersion) === 'begin';
  }

  get #isReadOnly(): boolean {
    return /^\s*START\s+TRANSACTION\b.*\bREAD\s+ONLY\b/is.test(this.#first?.text ?? '');
  }
}

const affectedBy = (statements: readonly SentStatement[]): number =>
  statements.reduce((sum, { outcome }) => sum + outcome.affectedRows, 0);

/** What the first row from the last statement of a transaction on says of it. */
function fateBy(row: Readonly<Record<string, string | null>> | undefined, last: number): TransactionFate {
  if (row?.['last_statement'] !== String(last)) return 'rolledBack';
  return row['state'] === 'started' ? 'unknown' : 'committed';
}

/** An INSERT in the place of a row that says that the statement was begun. */
const replacing = (insert: string): string => insert.replace(/^INSERT/, 'REPLACE');
