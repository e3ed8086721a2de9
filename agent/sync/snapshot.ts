import type { SourcePosition } from './stream-entry.ts';
import type { Row } from './sync-event.ts';

/** How far a snapshot has got, in the source's own terms. JSON of 4 KiB at most. */
export type SnapshotCursor = Readonly<Record<string, unknown>>;

export interface SnapshotProgress {
  readonly tablesDone: number;
  readonly tablesTotal: number;
  /** Of the present table, where the source knows without counting. */
  readonly estimatedRows?: number;
}

/** Rows of one table that one read found. */
export interface SnapshotChunk {
  readonly event_schema: string;
  readonly table: string;
  readonly fields: readonly string[];
  readonly rows: readonly Row[];
  /** The key of each row, unique within the source; an empty text where the table has none. */
  readonly keys: readonly string[];
  /** Behind the last of the rows. */
  readonly cursor: SnapshotCursor;
  readonly progress: SnapshotProgress;
  /**
   * Whether the read surely saw what this transaction did. By sets that were taken before or with the read, never by log
   * positions (facts/binlog.md). Once true of a chunk, true of all later ones.
   */
  sees(transaction: unknown): boolean;
  /** Whether a stream that has come to this position has brought all that the read may have seen. */
  isCoveredBy(position: SourcePosition): boolean;
}

/** Reads the present rows of a source, chunk by chunk. Nothing is read but by `next`. */
export interface SnapshotReader {
  /**
   * The chunk behind a cursor, of `rows` rows at most; undefined behind the last. The same cursor may be asked for again: it is
   * read anew. Not called while a call is under way.
   */
  next(after: SnapshotCursor | undefined, rows: number, signal: AbortSignal): Promise<SnapshotChunk | undefined>;
  close(): Promise<void>;
}
