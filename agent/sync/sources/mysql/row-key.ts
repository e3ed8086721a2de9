import type { Row } from '../../sync-event.ts';

/** Names a row within the source: equal for the row of the stream and that of a snapshot. */
export type RowKey = (row: Row) => string;

/** Undefined: the table has no key. */
export function rowKey(schema: string, table: string, key: readonly string[] | undefined): RowKey | undefined {
  if (key === undefined) return undefined;
  const head = `${schema}.${table}:`;
  const [only] = key;
  if (only !== undefined && key.length === 1) return (row) => `${head}[${JSON.stringify(row[only])}]`;
  return (row) => head + JSON.stringify(key.map((name) => row[name]));
}
