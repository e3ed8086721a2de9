import { setTimeout as delay } from 'node:timers/promises';
import { PositionLostError, SourceError } from '../../../source.ts';
import { formatLsn, parseLsn } from './lsn.ts';
import { quote } from '../server/queries.ts';
import type { Queries } from '../server/queries.ts';

/** Whoever still reads from a slot has this long to go once it was told to. */
const RELEASE_MS = 15_000;
const ASK_AGAIN_MS = 100;
/** A slot begins when all transactions that run now have ended. */
const CREATE_MS = 3_600_000;
const FAILOVER_SINCE = 170_000;

/** A replication slot: the place in the log that a server keeps for one SyncTask. */
export class Slot {
  readonly #queries: Queries;
  readonly name: string;

  constructor(queries: Queries, name: string) {
    this.#queries = queries;
    this.name = name;
  }

  /**
   * Makes it anew; what the old one kept is gone. Resolves with the place in the log that it begins at, which the server finds when
   * the transactions that run now have ended.
   */
  async create(signal: AbortSignal): Promise<number> {
    await this.drop(signal);
    const [[version] = []] = await this.#queries.rows("SELECT current_setting('server_version_num')", signal);
    // Then standbys that are told to (sync_replication_slots) have it too.
    const options = Number(version) >= FAILOVER_SINCE ? ', failover => true' : '';
    const [row] = await this.#queries.rows(
      `SELECT lsn FROM pg_create_logical_replication_slot(${quote(this.name)}, 'pgoutput'${options})`,
      signal,
      CREATE_MS,
    );
    return parseLsn(row?.[0] ?? '');
  }

  /** Rejects with a `PositionLostError` when the server has not kept everything from there on. Frees it of other readers. */
  async check(lsn: number, signal: AbortSignal): Promise<void> {
    const [row] = await this.#queries.rows(
      `SELECT confirmed_flush_lsn, wal_status, database = current_database() AND plugin = 'pgoutput' FROM pg_replication_slots WHERE slot_name = ${quote(this.name)}`,
      signal,
    );
    const lost = (why: string): PositionLostError => new PositionLostError(`the replication slot ${this.name} ${why}`);
    if (row === undefined) throw lost('is gone');
    const [confirmed, status, isOurs] = row;
    if (isOurs !== 't') throw lost('is of another database or another plugin');
    if (status === 'lost') throw lost('has fallen behind what the server keeps (max_slot_wal_keep_size)');
    if (confirmed === null || confirmed === undefined || parseLsn(confirmed) > lsn)
      throw lost(`begins at ${String(confirmed)}, behind the checkpoint at ${formatLsn(lsn)}`);
    await this.#free(signal);
  }

  /** Deletes it, if it is there. */
  async drop(signal: AbortSignal): Promise<void> {
    await this.#free(signal);
    await this.#queries.rows(
      `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = ${quote(this.name)}`,
      signal,
    );
  }

  /** Ends the connection that still reads from it: one of an earlier run of the same SyncTask, which has lost its place. */
  async #free(signal: AbortSignal): Promise<void> {
    const until = performance.now() + RELEASE_MS;
    const reader = `FROM pg_replication_slots WHERE slot_name = ${quote(this.name)} AND active_pid IS NOT NULL`;
    while ((await this.#queries.rows(`SELECT 1 ${reader}`, signal)).length > 0) {
      await this.#queries.rows(`SELECT pg_terminate_backend(active_pid) ${reader}`, signal).catch(passOverRights);
      if (performance.now() > until)
        throw new SourceError('SlotInUse', `another connection does not leave the replication slot ${this.name}`, {
          retryable: true,
        });
      await delay(ASK_AGAIN_MS, undefined, { signal });
    }
  }
}

/** The earlier run had another login: then it must end by itself. */
function passOverRights(err: unknown): void {
  if ((err as { code?: string }).code !== '42501') throw err;
}
