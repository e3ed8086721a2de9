import { ByteCursor } from './byte-cursor.ts';
import { BinlogError } from '../binlog-error.ts';
import { readLayout } from '../rows/column-layout.ts';
import type { ColumnLayout } from '../rows/column-layout.ts';
import { readMetadata } from './table-metadata.ts';
import type { TableMetadata } from './table-metadata.ts';

/** Names the table that row events behind it mean by a number. */
export interface TableMap {
  readonly tableId: number;
  readonly schema: string;
  readonly table: string;
  readonly columnCount: number;
  /** Why rows of the table cannot be taken apart, instead of the columns. */
  readonly columns: readonly ColumnLayout[] | string;
  /** What else the event tells of the columns; nothing before MySQL 8. */
  readonly metadata: TableMetadata;
}

/** MySQL and MariaDB allow 4,096. */
const MAX_COLUMNS = 4096;

/** Reads the body of a TABLE_MAP_EVENT. Throws `Malformed`. */
export function parseTableMap(body: Buffer): TableMap {
  const cursor = new ByteCursor(body);
  const tableId = cursor.uint(6);
  cursor.uint(2);
  const schema = nameOf(cursor);
  const table = nameOf(cursor);
  const columnCount = cursor.length();
  if (columnCount > MAX_COLUMNS) throw new BinlogError('Malformed', `a table map has ${columnCount} columns`);
  const types = cursor.bytes(columnCount);
  const sizes = new ByteCursor(cursor.bytes(cursor.length()));
  const head = { tableId, schema, table, columnCount };
  const columns: ColumnLayout[] = [];
  try {
    for (const type of types) columns.push(readLayout(type, sizes));
    if (sizes.left > 0) throw new BinlogError('Malformed', 'the types of its columns are not known');
  } catch (err) {
    if (!(err instanceof BinlogError)) throw err;
    return { ...head, columns: err.message, metadata: {} };
  }
  // Whether columns may be NULL.
  cursor.bytes(Math.ceil(columnCount / 8));
  return { ...head, columns, metadata: readMetadata(cursor, columns) };
}

function nameOf(cursor: ByteCursor): string {
  const name = cursor.text(cursor.length());
  cursor.uint8();
  return name;
}
