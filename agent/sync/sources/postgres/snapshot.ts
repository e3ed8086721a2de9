import type { SnapshotChunk, SnapshotCursor, SnapshotReader } from '../../snapshot.ts';
import { ChunkReader } from './snapshot/chunk-reader.ts';
import { fromPosition } from './log/log-index.ts';
import type { Queries } from './server/queries.ts';
import type { SnapshotTable } from './snapshot/snapshot-table.ts';
import { compare } from './tables/table-catalog.ts';

export interface SnapshotParts {
  /** A connection of the snapshot's own; closed with it. */
  readonly queries: Queries;
  /** Sorted by schema and name. */
  readonly tables: readonly SnapshotTable[];
  /** Told of each place in the log that a chunk waits for. */
  readonly onBound: (lsn: number) => void;
  /** What a failure means. */
  readonly toError: (err: unknown) => Error;
}

/** Where a snapshot stands: behind a row of a table, or behind the table. */
interface Place {
  readonly schema: string;
  readonly table: string;
  /** Undefined: behind all of its rows. */
  readonly key: readonly string[] | undefined;
}

/** Reads the present rows of tables, in the order of their keys. */
export class PostgresSnapshot implements SnapshotReader {
  readonly #parts: SnapshotParts;
  readonly #reader: ChunkReader;

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
    this.#reader = new ChunkReader(parts.queries);
  }

  async next(after: SnapshotCursor | undefined, rows: number, signal: AbortSignal): Promise<SnapshotChunk | undefined> {
    try {
      return await this.#next(after === undefined ? undefined : readCursor(after), rows, signal);
    } catch (err) {
      signal.throwIfAborted();
      throw this.#parts.toError(err);
    }
  }

  close(): Promise<void> {
    return this.#parts.queries.close();
  }

  async #next(after: Place | undefined, rows: number, signal: AbortSignal): Promise<SnapshotChunk | undefined> {
    const { tables, onBound } = this.#parts;
    let place = after;
    for (;;) {
      const at = tables.findIndex(({ table }) => place === undefined || isBehind(table, place));
      const table = tables[at];
      if (table === undefined) return undefined;
      const { schema, table: name, estimatedRows } = table.table;
      const key = place?.schema === schema && place.table === name ? place.key : undefined;
      const chunk = await this.#reader.read(table.query(key, rows), rows, signal);
      const last = chunk.rows.at(-1);
      if (last === undefined) {
        place = { schema, table: name, key: undefined };
        continue;
      }
      const { transactions, boundLsn, isEnd } = chunk;
      onBound(boundLsn);
      return {
        event_schema: schema,
        table: name,
        fields: table.fields,
        rows: chunk.rows.map((texts) => table.rowOf(texts)),
        keys: chunk.rows.map((texts) => table.keyOf(texts)),
        cursor: { schema, table: name, ...(isEnd ? {} : { key: table.placeOf(last) }) },
        progress: { tablesDone: isEnd ? at + 1 : at, tablesTotal: tables.length, estimatedRows },
        sees: (transaction) => typeof transaction === 'number' && transactions.sees(transaction),
        isCoveredBy: (position) => (fromPosition(position)?.lsn ?? -1) >= boundLsn,
      };
    }
  }
}

/** Whether there may be rows of the table behind a place. */
function isBehind(table: { readonly schema: string; readonly table: string }, place: Place): boolean {
  const order = compare(table.schema, place.schema) || compare(table.table, place.table);
  return order > 0 || (order === 0 && place.key !== undefined);
}

function readCursor({ schema, table, key }: SnapshotCursor): Place {
  const isKey = key === undefined || (Array.isArray(key) && key.every((part) => typeof part === 'string'));
  if (typeof schema !== 'string' || typeof table !== 'string' || !isKey)
    throw new Error('the cursor of the snapshot is none of this source');
  return { schema, table, key };
}
