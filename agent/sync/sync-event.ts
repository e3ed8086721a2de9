export type EventType = 'insert' | 'update' | 'delete';

/** One row as it goes to consumers: JSON values only; numbers that a double cannot hold exactly are text. */
export type Row = Readonly<Record<string, unknown>>;

/** What happened to rows of one table, or which rows a snapshot found there (facts: EventBase). */
export interface SyncEvent {
  readonly event_type: EventType;
  /** The names of what the rows hold. */
  readonly fields: readonly string[];
  /** Of a deletion the rows as they were, or their keys at least. */
  readonly rows: readonly Row[];
  /** Strictly growing within a source; −1 has no place in the order. A safe integer. */
  readonly index: number;
  /** The schema, the database or, of files, the folder. */
  readonly event_schema: string;
  readonly table: string;
}
