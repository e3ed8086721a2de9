import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { LedgerPastReader } from '../../ledger/ledger-past.ts';
import type { LedgerPast } from '../../ledger/ledger-past.ts';
import { LEDGER_COLUMNS, LEDGER_TABLE, LedgerSql } from '../../ledger/ledger-sql.ts';
import type { LedgerRun } from '../../ledger/ledger-sql.ts';
import { LedgerStop, ledgerNotPossible } from '../../ledger/ledger-stop.ts';
import type { OutputNote } from '../../../output/kept-output.ts';
import { ERRNO, isServerError } from '../session/server-error.ts';
import type { MysqlSession } from '../session/session.ts';

/** Of the ledger's own statements: none of them takes longer than a lock on a row. */
export const STATEMENT_MS = 10_000;
/** How long the server may take to end the connection of the process that died. */
const FENCE_MS = 30_000;
const FENCE_AGAIN_MS = 250;
const GRANTS = `GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON tiangong.* TO this user`;

/** The name of the lock that a run's connection holds as long as it lives. */
export const lockName = ({ uid }: LedgerRun): string => `tiangong/${hash('sha256', uid).slice(0, 48)}`;

const valueOf = async (session: MysqlSession, sql: string): Promise<string | null | undefined> =>
  Object.values((await session.rows(sql))[0] ?? {})[0];

/** Takes the run's lock, and ends the connection of an earlier process that still holds it. */
export async function fence(session: MysqlSession, name: string, signal: AbortSignal): Promise<void> {
  const until = performance.now() + FENCE_MS;
  for (;;) {
    if ((await valueOf(session, `SELECT GET_LOCK('${name}', 0)`)) === '1') return;
    signal.throwIfAborted();
    const holder = await valueOf(session, `SELECT IS_USED_LOCK('${name}')`);
    let refused = '';
    if (typeof holder === 'string')
      await session.execute(`KILL CONNECTION ${holder}`, STATEMENT_MS).catch((err: unknown) => {
        refused = `: ${(err as Error).message}`;
      });
    if (performance.now() > until)
      throw new LedgerStop(
        'OutcomeUnknown',
        `connection ${holder ?? ''} of before the agent restarted still works on the server, and does not end${refused}`,
      );
    await delay(FENCE_AGAIN_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Makes the table where it is not there, and the run's first row. Rejects with `TaskFailure` when that cannot be. */
export async function prepareTable(session: MysqlSession, sql: LedgerSql, begun: boolean): Promise<void> {
  try {
    const engine = await engineOfTable(session);
    if (engine === undefined) await makeTable(session);
    else if (engine !== 'InnoDB')
      throw ledgerNotPossible(`${LEDGER_TABLE} is a table of ${engine}`, 'It must be one of InnoDB: drop it');
    const row = { first: 0, last: 0, digest: '', state: 'started', affectedRows: 0 } as const;
    if (!begun) await session.execute(`${sql.insert(row)} ON DUPLICATE KEY UPDATE epoch = epoch`, STATEMENT_MS);
    await deleteOld(session);
  } catch (err) {
    throw isServerError(err) ? ledgerNotPossible(err.message, GRANTS) : err;
  }
}

/** Rejects when rows may not be deleted, which a statement that the server refuses will need. */
async function deleteOld(session: MysqlSession): Promise<void> {
  const sql = `DELETE FROM ${LEDGER_TABLE} WHERE ${LedgerSql.old()} LIMIT ${LedgerSql.deletedAtOnce}`;
  try {
    await session.execute(sql, STATEMENT_MS);
  } catch (err) {
    if (isServerError(err) && err.errno === ERRNO.tableAccessDenied) throw err;
  }
}

/** Undefined: there is none, or none that this user may see. */
async function engineOfTable(session: MysqlSession): Promise<string | undefined> {
  const sql =
    "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'tiangong' AND TABLE_NAME = 'statement_ledger'";
  return (await valueOf(session, sql)) ?? undefined;
}

async function makeTable(session: MysqlSession): Promise<void> {
  const isThere = "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'tiangong'";
  if ((await session.rows(isThere)).length === 0)
    await session.execute('CREATE DATABASE IF NOT EXISTS tiangong', STATEMENT_MS);
  await session.execute(
    `CREATE TABLE IF NOT EXISTS ${LEDGER_TABLE} (${LEDGER_COLUMNS('datetime(3)')}, KEY recorded_at (recorded_at)) ENGINE = InnoDB CHARACTER SET ascii`,
    STATEMENT_MS,
  );
}

/** Throws `LedgerStop` when what is there contradicts what was told. */
export async function readPast(
  session: MysqlSession,
  sql: LedgerSql,
  told: Pick<OutputNote, 'through' | 'committed'>,
): Promise<LedgerPast> {
  const reader = new LedgerPastReader(told);
  const row = (values: readonly (string | null)[]): undefined => reader.add(values) as undefined;
  if ((await engineOfTable(session)) !== undefined) await session.query(sql.read(), { columns: () => undefined, row });
  return reader.past();
}
