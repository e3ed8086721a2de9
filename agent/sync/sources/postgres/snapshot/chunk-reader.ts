import { parseLsn } from '../log/lsn.ts';
import type { Queries, TextRow } from '../server/queries.ts';
import { TransactionSet } from './transaction-set.ts';

/** The first read of a chunk, which tells how long its rows are. */
const FIRST_ROWS = 100;
/** So much text is asked for at once. */
const READ_BYTES = 4 * 1024 * 1024;
/** A chunk ends early when it has so much. */
const CHUNK_BYTES = 16 * 1024 * 1024;
/** The longest header of a page of the log: no record begins there. Source: xlog_internal.h. */
const PAGE_HEADER_BYTES = 40;
const READ_MS = 600_000;
/**
 * Rows in the order of a key come from its index: the planner would sort a table whose size it does not know. Rows of a table without
 * one come as they lie, from the front.
 */
const BEGIN = [
  'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY',
  'SET LOCAL enable_seqscan = off',
  'SET LOCAL enable_bitmapscan = off',
  'SET LOCAL synchronize_seqscans = off',
].join('; ');

export interface ReadChunk {
  readonly rows: readonly TextRow[];
  /** Whether there is nothing behind the rows. */
  readonly isEnd: boolean;
  /** What the read saw. */
  readonly transactions: TransactionSet;
  /** Of all that it saw the log has everything before this place. */
  readonly boundLsn: number;
}

/** Reads rows in a transaction of their own, so that they are of one moment, and some at a time, so that long ones fit. */
export class ChunkReader {
  readonly #queries: Queries;
  #pageBytes: number | undefined;
  #version = 0;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** `query` has a limit of `rows`. Rejects with the server's error or the network's; then it may be tried again. */
  async read(query: string, rows: number, signal: AbortSignal): Promise<ReadChunk> {
    try {
      return await this.#read(query, rows, signal);
    } catch (err) {
      // It may be in the middle of a transaction.
      this.#queries.reset();
      throw err;
    }
  }

  async #read(query: string, rows: number, signal: AbortSignal): Promise<ReadChunk> {
    await this.#learn(signal);
    let asked = Math.min(rows, FIRST_ROWS);
    const [[snapshot] = [], ...found] = await this.#ask(
      `${BEGIN}; SELECT pg_current_snapshot(); DECLARE chunk NO SCROLL CURSOR FOR ${query}; FETCH ${asked} FROM chunk`,
      signal,
    );
    let got = found.length;
    let bytes = sizeOf(found);
    while (got === asked && found.length < rows && bytes < CHUNK_BYTES) {
      const fitting = Math.max(1, Math.floor((READ_BYTES * found.length) / Math.max(bytes, 1)));
      asked = Math.min(rows - found.length, fitting);
      const more = await this.#ask(`FETCH ${asked} FROM chunk`, signal);
      got = more.length;
      bytes += sizeOf(more);
      for (const row of more) found.push(row);
    }
    const boundLsn = await this.#bound(signal);
    return { rows: found, isEnd: got < asked, transactions: new TransactionSet(snapshot ?? ''), boundLsn };
  }

  /**
   * Ends the transaction, and tells where the log ends then. All that was seen is in the log before that, but perhaps not written out
   * yet, and an idle server would take up to 15 seconds to do so: it is told to, since the stream is to come there.
   */
  async #bound(signal: AbortSignal): Promise<number> {
    const [[insert, flush] = []] = await this.#ask(
      'COMMIT; SELECT pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()',
      signal,
    );
    const bound = this.#reachable(parseLsn(insert ?? ''));
    if (parseLsn(flush ?? '') < bound)
      await this.#ask(
        this.#version >= 170_000
          ? "SELECT pg_logical_emit_message(false, 'tiangong', '', true)"
          : "SELECT pg_logical_emit_message(true, 'tiangong', '')",
        signal,
      );
    return bound;
  }

  /** At the beginning of a page the server names the place behind the page's header, where no stream comes to before it writes on. */
  #reachable(lsn: number): number {
    const inPage = lsn % (this.#pageBytes ?? 1);
    return inPage <= PAGE_HEADER_BYTES ? lsn - inPage : lsn;
  }

  async #learn(signal: AbortSignal): Promise<void> {
    if (this.#pageBytes !== undefined) return;
    const [[page, version] = []] = await this.#ask(
      "SELECT current_setting('wal_block_size'), current_setting('server_version_num')",
      signal,
    );
    this.#pageBytes = Number(page);
    this.#version = Number(version);
  }

  async #ask(text: string, signal: AbortSignal): Promise<TextRow[]> {
    return [...(await this.#queries.rows(text, signal, READ_MS))];
  }
}

function sizeOf(rows: readonly TextRow[]): number {
  let size = 0;
  for (const row of rows) for (const text of row) size += text?.length ?? 0;
  return size;
}
