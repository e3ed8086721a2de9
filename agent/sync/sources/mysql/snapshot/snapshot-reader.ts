import type { SnapshotChunk, SnapshotCursor, SnapshotReader } from '../../../snapshot.ts';
import { PositionLostError } from '../../../source.ts';
import { asSourceError } from '../failure.ts';
import { TableShapes } from '../table-shapes.ts';
import type { TableShape } from '../table-shapes.ts';
import { KeylessRead } from './keyless-read.ts';
import { markedRead } from './marked-read.ts';
import type { MarkedRead, MarkTools } from './marked-read.ts';
import { MAX_CHUNK_BYTES, readRows } from './read-rows.ts';
import { SnapshotTable } from './snapshot-table.ts';
import { compareTables } from './table-list.ts';
import type { ListedTable } from './table-list.ts';

/** Where a snapshot stands: within a table behind a key, or behind the table. */
interface Place {
  readonly schema: string;
  readonly table: string;
  readonly key?: readonly (number | string)[];
  readonly done?: boolean;
}

export interface SnapshotReaderOptions {
  readonly tools: MarkTools;
  readonly wanted: readonly string[] | undefined;
  /** In order. */
  readonly tables: readonly ListedTable[];
  readonly onClose: () => void;
}

/** For so long a table is what it was. */
const SHAPES_MS = 1000;

/** Reads tables one after the other, by their keys. */
export class MysqlSnapshotReader implements SnapshotReader {
  readonly #options: SnapshotReaderOptions;
  readonly #read: MarkedRead;
  readonly #shapes: TableShapes;
  #shapesAt = performance.now();
  /** Of the table that is being read. */
  #rowBytes: { readonly table: SnapshotTable; readonly bytes: number } | undefined;
  #keyless: KeylessRead | undefined;

  constructor(options: SnapshotReaderOptions) {
    this.#options = options;
    this.#read = markedRead(options.tools);
    this.#shapes = new TableShapes(options.tools.others);
  }

  async next(after: SnapshotCursor | undefined, rows: number, signal: AbortSignal): Promise<SnapshotChunk | undefined> {
    const { sessions, others, settings } = this.#options.tools;
    const stop = (): void => {
      sessions.destroy();
      others.destroy();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      const from = after === undefined ? undefined : placeOf(after);
      return await sessions.inTime(() => others.inTime(() => this.#next(from, rows, signal)));
    } catch (err) {
      signal.throwIfAborted();
      throw asSourceError(err, settings);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async close(): Promise<void> {
    const { sessions, others } = this.#options.tools;
    this.#options.onClose();
    await this.#keyless?.close();
    await sessions.close();
    await others.close();
  }

  async #next(after: Place | undefined, rows: number, signal: AbortSignal): Promise<SnapshotChunk | undefined> {
    const { tables, wanted } = this.#options;
    for (const [index, listed] of tables.entries()) {
      const order = after === undefined ? 1 : compareTables(listed, after);
      if (order < 0 || (order === 0 && after?.done === true)) continue;
      signal.throwIfAborted();
      const shape = await this.#shapeOf(listed);
      const table = shape && SnapshotTable.of(shape, wanted);
      if (table === undefined) continue;
      const key = order === 0 ? after?.key : undefined;
      const chunk = table.hasOrder
        ? await this.#keyedChunk(table, { listed, index, key, rows })
        : await this.#keylessChunk(table, { listed, index, key, rows });
      if (chunk !== undefined) return chunk;
    }
    return undefined;
  }

  /** Tables may be altered meanwhile; asking each time would cost more than reading. */
  #shapeOf({ schema, table }: ListedTable): Promise<TableShape | undefined> {
    if (performance.now() - this.#shapesAt > SHAPES_MS) {
      this.#shapes.forget();
      this.#shapesAt = performance.now();
    }
    return this.#shapes.get(schema, table);
  }

  async #keyedChunk(table: SnapshotTable, { listed, index, key, rows }: ChunkWish): Promise<SnapshotChunk | undefined> {
    const known = this.#rowBytes?.table.table === table.table ? this.#rowBytes.bytes : listed.rowBytes;
    const limit = Math.min(rows, Math.max(1, Math.floor(MAX_CHUNK_BYTES / Math.max(known, 1))));
    const begun = await this.#read(table);
    const read = await readRows(begun.session, table, table.query(key, limit));
    const marks = await begun.marks();
    await begun.end();
    const { place } = read;
    if (place === undefined) return undefined;
    this.#rowBytes = { table, bytes: read.bytes / read.rows.length };
    const done = !read.cut && read.rows.length < limit;
    const { schema } = table;
    const cursor = done ? { schema, table: table.table, done } : { schema, table: table.table, key: place };
    return this.#chunk(table, { listed, index, done }, { ...marks, rows: read.rows, keys: read.keys, cursor });
  }

  async #keylessChunk(
    table: SnapshotTable,
    { listed, index, key, rows }: ChunkWish,
  ): Promise<SnapshotChunk | undefined> {
    const from = Number(key?.[0] ?? 0);
    if (this.#keyless?.stands(table, from) !== true) {
      await this.#keyless?.close();
      this.#keyless = new KeylessRead(table, this.#read, this.#options.tools.sessions);
    }
    const read = await this.#keyless.next(from, rows);
    if (read === undefined) return undefined;
    const { schema } = table;
    const cursor = { schema, table: table.table, key: [read.until], ...(read.done && { done: true }) };
    const found = { ...read.marks, rows: read.rows, keys: read.rows.map((row) => table.keyOf(row)), cursor };
    return this.#chunk(table, { listed, index, done: read.done }, found);
  }

  #chunk(
    { schema, table, fields }: SnapshotTable,
    { listed, index, done }: { listed: ListedTable; index: number; done: boolean },
    found: Pick<SnapshotChunk, 'rows' | 'keys' | 'cursor' | 'sees' | 'isCoveredBy'>,
  ): SnapshotChunk {
    const progress = {
      ...{ tablesDone: done ? index + 1 : index, tablesTotal: this.#options.tables.length },
      estimatedRows: listed.rows,
    };
    return { ...found, event_schema: schema, table, fields, progress };
  }
}

interface ChunkWish {
  readonly listed: ListedTable;
  readonly index: number;
  readonly key: readonly (number | string)[] | undefined;
  readonly rows: number;
}

function placeOf(cursor: SnapshotCursor): Place {
  const { schema, table, key, done } = cursor;
  const isKey = Array.isArray(key) && key.every((value) => typeof value === 'string' || typeof value === 'number');
  if (typeof schema !== 'string' || typeof table !== 'string' || (key !== undefined && !isKey))
    throw new PositionLostError("the snapshot's cursor is none of a snapshot of MySQL");
  return { schema, table, ...(isKey && { key }), done: done === true };
}
