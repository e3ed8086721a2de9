import type { SnapshotChunk } from '../snapshot.ts';

/** Two chunks are in memory at once, some of it as JSON too. */
const CHUNK_BYTES = 8 * 1024 * 1024;
/** Nothing is known of a table's rows yet: they may be of megabytes. */
const FIRST_ROWS = 16;
const GROWTH = 4;
const MAX_ROWS = 4_000;
/** Rows of one table differ little in size, but for columns of large texts. */
const SAMPLES = 8;

/** How many rows to read at once, by the size of those that were read. */
export class ChunkSize {
  #rows = FIRST_ROWS;
  #table = '';

  get rows(): number {
    return this.#rows;
  }

  learn({ event_schema, table, rows }: SnapshotChunk): void {
    const name = `${event_schema}.${table}`;
    if (name !== this.#table) {
      this.#table = name;
      this.#rows = FIRST_ROWS;
    }
    if (rows.length === 0) return;
    const step = Math.max(1, Math.floor(rows.length / SAMPLES));
    let bytes = 0;
    let count = 0;
    for (let at = 0; at < rows.length; at += step) {
      bytes += JSON.stringify(rows[at]).length;
      count += 1;
    }
    const fitting = Math.floor((CHUNK_BYTES * count) / Math.max(1, bytes));
    this.#rows = Math.max(1, Math.min(fitting, MAX_ROWS, this.#rows * GROWTH));
  }
}
