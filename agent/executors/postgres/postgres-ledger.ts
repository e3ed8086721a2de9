import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from '../../connections/target.ts';
import { LedgerPastReader, NO_PAST } from '../ledger/ledger-past.ts';
import type { LedgerPast, StartedStatement, StatementRange } from '../ledger/ledger-past.ts';
import { LEDGER_COLUMNS, LEDGER_TABLE, LedgerSql } from '../ledger/ledger-sql.ts';
import type { LedgerRun } from '../ledger/ledger-sql.ts';
import { LedgerStop, ledgerNotPossible } from '../ledger/ledger-stop.ts';
import { LedgeredText } from '../ledger/ledgered-text.ts';
import type { SqlStatement } from '../sql/split-statements.ts';
import { lookAfterStart, lookBeforeStart } from './outside-outcome.ts';
import type { OutputNote } from '../../output/kept-output.ts';
import { Session } from './session.ts';
import { sessionEffect } from './session-effect.ts';
import { isServerError } from './statement-error.ts';

/** Of the ledger's own statements: none of them takes longer than a lock on a row. */
const STATEMENT_MS = 10_000;
/** A run of millions of statements, each in its own transaction, has as many rows. */
const READ_MS = 120_000;
/** How long the server may take to end the connection of the process that died. */
const FENCE_MS = 30_000;
const FENCE_AGAIN_MS = 250;
/** How long to look for a server whose answer to a COMMIT was lost, and how long when the task is to end. */
const SETTLE_MS = 30_000;
const SETTLE_HURRY_MS = 5_000;
const SETTLE_AGAIN_MS = 500;
const INSUFFICIENT_PRIVILEGE = '42501';

export interface PostgresLedgerOptions {
  readonly run: LedgerRun;
  readonly resumed: boolean;
  /** See `LedgeredTextOptions`. */
  readonly lookOnly: string | undefined;
  readonly signal: AbortSignal;
  /** Told of a statement that commits by itself, and that the earlier process is found to have executed. */
  readonly onFound: (number: number) => Promise<void>;
  /** What the report of an earlier process says. */
  readonly told: Pick<OutputNote, 'through' | 'committed'>;
}

/**
 * A task's ledger in its own database: a row in each transaction, so that what is committed is what the ledger says. The
 * session holds a lock as long as it lives, which tells a later process that nothing of this one can still commit.
 */
export class PostgresLedger {
  readonly #session: Session;
  readonly #sql: LedgerSql;
  readonly #key: bigint;
  readonly #signal: AbortSignal;
  readonly #text: LedgeredText;
  readonly past: LedgerPast;

  private constructor(session: Session, options: PostgresLedgerOptions, past: LedgerPast) {
    this.#session = session;
    this.#sql = new LedgerSql(options.run);
    this.#key = lockKey(options.run);
    this.#signal = options.signal;
    this.past = past;
    this.#text = new LedgeredText({
      past,
      toldThrough: options.told.through,
      rollsBackSettings: true,
      lookOnly: options.lookOnly,
      effectOf: sessionEffect,
      outcomeOf: (statement, started) => this.#outcomeOf(statement, started),
      onDone: async (number) => {
        await session.execute(this.#sql.done(number, 0), STATEMENT_MS);
        await options.onFound(number);
      },
    });
  }

  /** Rejects with `TaskFailure` when there can be no ledger, and with what the signal says. */
  static async open(session: Session, options: PostgresLedgerOptions): Promise<PostgresLedger> {
    const sql = new LedgerSql(options.run);
    await fence(session, lockKey(options.run), options.signal);
    await prepareTable(session);
    const past = options.resumed ? await readPast(session, sql, options.told) : NO_PAST;
    const ledger = new PostgresLedger(session, options, past);
    if (!past.begun) await ledger.#begin();
    return ledger;
  }

  /** The statements that are to be executed. See `LedgeredText.left`. */
  left(statements: AsyncIterable<SqlStatement>): AsyncIterable<SqlStatement> {
    return this.#text.left(statements);
  }

  /** In an open transaction, just before its COMMIT is sent. */
  async committing({ first, last }: StatementRange, affectedRows: number): Promise<void> {
    // Settings that were made again: nothing new is committed.
    if (last <= this.past.through) return;
    const range = { first: Math.max(first, this.past.through + 1), last };
    const entry = { ...range, digest: this.#text.digestAt(last), state: 'committed' as const, affectedRows };
    await this.#session.execute(this.#sql.insert(entry), STATEMENT_MS);
  }

  /** Before a statement that commits by itself. */
  async starting({ number, text }: SqlStatement): Promise<void> {
    const before = await lookBeforeStart(this.#session, text);
    if (this.past.started?.number === number) await this.#session.execute(this.#sql.remove(number), STATEMENT_MS);
    const digest = this.#text.digestAt(number);
    const entry = { first: number, last: number, digest, state: 'started' as const, affectedRows: 0, before };
    await this.#session.execute(this.#sql.insert(entry), STATEMENT_MS);
  }

  async done(number: number, affectedRows: number): Promise<void> {
    await this.#session.execute(this.#sql.done(number, affectedRows), STATEMENT_MS);
  }

  /** The server refused it. */
  async refused(number: number): Promise<void> {
    await this.#session.execute(this.#sql.remove(number), STATEMENT_MS).catch(() => undefined);
  }

  /** Whether a transaction was committed whose connection was lost. */
  async settle(last: number): Promise<'committed' | 'rolledBack' | 'unknown'> {
    const since = performance.now();
    while (performance.now() - since < (this.#signal.aborted ? SETTLE_HURRY_MS : SETTLE_MS)) {
      const session = await Session.connect(this.#session.target).catch(() => undefined);
      try {
        if (session === undefined) continue;
        await fence(session, this.#key, AbortSignal.timeout(SETTLE_HURRY_MS));
        return (await session.rows(this.#sql.read(last), STATEMENT_MS)).length > 0 ? 'committed' : 'rolledBack';
      } catch {
        // Tried again.
      } finally {
        await session?.end();
        await delay(SETTLE_AGAIN_MS);
      }
    }
    return 'unknown';
  }

  /** Frees the lock; rows stay. */
  async close(): Promise<void> {
    if (this.#session.broken !== undefined) return;
    await this.#session.execute(`SELECT pg_advisory_unlock(${this.#key})`, STATEMENT_MS).catch(() => undefined);
  }

  async #begin(): Promise<void> {
    const row = { first: 0, last: 0, digest: '', state: 'started', affectedRows: 0 } as const;
    try {
      // By these two it shows also whether rows may be changed and deleted.
      const onConflict = 'ON CONFLICT (task_uid, epoch, statement_index) DO UPDATE SET epoch = excluded.epoch';
      await this.#session.execute(`${this.#sql.insert(row)} ${onConflict}`, STATEMENT_MS);
      await this.#session.execute(deleteOld(), STATEMENT_MS).catch((err: unknown) => {
        if (isServerError(err) && err.code === INSUFFICIENT_PRIVILEGE) throw err;
      });
    } catch (err) {
      throw notPossible(err, this.#session.target);
    }
  }

  async #outcomeOf({ text }: SqlStatement, { before }: StartedStatement): Promise<'done' | 'notDone' | 'unknown'> {
    return lookAfterStart(this.#session, text, before);
  }
}

const deleteOld = (): string =>
  `DELETE FROM ${LEDGER_TABLE} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${LEDGER_TABLE} WHERE ${LedgerSql.old()} LIMIT ${LedgerSql.deletedAtOnce}))`;

/** Takes the run's lock, and ends the connection of an earlier process that still holds it. */
async function fence(session: Session, key: bigint, signal: AbortSignal): Promise<void> {
  const until = performance.now() + FENCE_MS;
  for (;;) {
    if ((await session.rows(`SELECT pg_try_advisory_lock(${key})`, STATEMENT_MS))[0]?.[0] === 't') return;
    signal.throwIfAborted();
    const holders = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = ${key}`;
    const refused = await session
      .execute(`SELECT pg_terminate_backend(pid) FROM (${holders}) AS holder`, STATEMENT_MS)
      .then(() => undefined)
      .catch((err: unknown) => (err as Error).message);
    if (performance.now() > until)
      throw new LedgerStop(
        'OutcomeUnknown',
        `the connection of before the agent restarted still works on the server, and does not end${refused === undefined ? '' : `: ${refused}`}`,
      );
    await delay(FENCE_AGAIN_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function prepareTable(session: Session): Promise<void> {
  const isThere = async (): Promise<boolean> =>
    (await session.rows(`SELECT to_regclass('${LEDGER_TABLE}') IS NOT NULL`, STATEMENT_MS))[0]?.[0] === 't';
  try {
    if (await isThere()) return;
    // Another task may make it at the same moment: then both fail here, and find it there.
    await session.execute(
      `CREATE SCHEMA IF NOT EXISTS tiangong; CREATE TABLE IF NOT EXISTS ${LEDGER_TABLE} (${LEDGER_COLUMNS('timestamp(3)')}); CREATE INDEX IF NOT EXISTS statement_ledger_recorded_at ON ${LEDGER_TABLE} (recorded_at)`,
      STATEMENT_MS,
    );
  } catch (err) {
    if (await isThere().catch(() => false)) return;
    throw notPossible(err, session.target);
  }
}

function notPossible(err: unknown, { database, user = 'postgres' }: Target): Error {
  if (!isServerError(err)) return err as Error;
  return ledgerNotPossible(
    err.message,
    `GRANT CREATE ON DATABASE "${database}" TO "${user}", or let an administrator make the table ${LEDGER_TABLE} and GRANT USAGE ON SCHEMA tiangong TO "${user}"; GRANT SELECT, INSERT, UPDATE, DELETE ON ${LEDGER_TABLE} TO "${user}"`,
  );
}

async function readPast(session: Session, sql: LedgerSql, told: PostgresLedgerOptions['told']): Promise<LedgerPast> {
  const reader = new LedgerPastReader(told);
  await session.rows(sql.read(), READ_MS, (row) => reader.add(row));
  return reader.past();
}

const lockKey = ({ uid }: LedgerRun): bigint => hash('sha256', `tiangong/${uid}`, 'buffer').readBigInt64BE(0);
