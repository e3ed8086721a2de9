import type { Row, SyncEvent } from '../sync-event.ts';

/** Reads one column of a row; undefined when the row does not have it. */
export type ReadColumn = (row: Row) => unknown;

/** Where the rows of a table keep what a mapping asks for. */
export interface SourceColumn {
  /** Its key when several columns are collected in an object. */
  readonly name: string;
  readonly read: ReadColumn;
}

/** What rows of an event are looked up by. */
export type TableShape = Pick<SyncEvent, 'event_schema' | 'table' | 'fields'>;

/** The name of a source as user interfaces write it, `db.table.column:3`, without the index of the column. */
export function sourceName(source: string): string {
  return source.replace(/:\d+$/, '');
}

/**
 * The column that a source names in the rows of a table; undefined when it is one of another table. `column` alone is
 * that of every table; `table.column` and `schema.table.column` are those of one. Where rows hold objects (documents),
 * `field.inner` is what stands in them.
 */
export function columnOf(name: string, { event_schema, table, fields }: TableShape): SourceColumn | undefined {
  if (!name.includes('.') || fields.includes(name)) return { name, read: readerOf(name) };
  for (const prefix of [`${event_schema}.${table}.`, `${table}.`])
    if (name.startsWith(prefix)) {
      const column = name.slice(prefix.length);
      return inDocument(column, fields) ?? { name: column, read: readerOf(column) };
    }
  return inDocument(name, fields);
}

function inDocument(name: string, fields: readonly string[]): SourceColumn | undefined {
  const [first = '', ...rest] = name.split('.');
  if (rest.length === 0 || fields.includes(name) || !fields.includes(first)) return undefined;
  const readers = [first, ...rest].map(readerOf);
  return {
    name: rest.at(-1) ?? first,
    read: (row) => {
      let value: unknown = row;
      for (const read of readers) {
        if (typeof value !== 'object' || value === null) return undefined;
        value = read(value as Row);
      }
      return value;
    },
  };
}

function readerOf(column: string): ReadColumn {
  // Else a row without a column of that name would seem to have one: `constructor`, `toString`.
  if (column in Object.prototype) return (row) => (Object.hasOwn(row, column) ? row[column] : undefined);
  return (row) => row[column];
}
