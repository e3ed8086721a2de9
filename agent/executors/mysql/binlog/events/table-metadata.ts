import type { ByteCursor } from './byte-cursor.ts';
import { ByteCursor as Cursor } from './byte-cursor.ts';
import type { ColumnLayout } from '../rows/column-layout.ts';
import { WireType } from '../rows/wire-type.ts';

/** By column of the table; holes where nothing is said. */
export interface TableMetadata {
  readonly unsigned?: readonly (boolean | undefined)[];
  /** Numbers of collations, as in information_schema. */
  readonly collations?: readonly (number | undefined)[];
  /** With binlog_row_metadata=FULL only. */
  readonly names?: readonly string[];
}

/** Kinds of fields behind a table map (MySQL 8's Table_map_log_event). */
const Field = {
  Signedness: 1,
  DefaultCharset: 2,
  ColumnCharset: 3,
  ColumnName: 4,
  EnumAndSetDefaultCharset: 10,
  EnumAndSetColumnCharset: 11,
} as const;

const NUMBERS: ReadonlySet<number> = new Set([
  WireType.Tiny,
  WireType.Short,
  WireType.Int24,
  WireType.Long,
  WireType.LongLong,
  WireType.NewDecimal,
  WireType.Float,
  WireType.Double,
  WireType.Year,
]);
const STRINGS: ReadonlySet<number> = new Set([
  WireType.Varchar,
  WireType.String,
  WireType.VarString,
  WireType.Blob,
  WireType.BlobCompressed,
  WireType.VarcharCompressed,
]);
const MEMBERS: ReadonlySet<number> = new Set([WireType.Enum, WireType.Set]);

/** Reads what follows to the event's end. Fields that are not known are passed over. Throws `Malformed`. */
export function readMetadata(cursor: ByteCursor, columns: readonly ColumnLayout[]): TableMetadata {
  const found: { unsigned?: (boolean | undefined)[]; collations?: (number | undefined)[]; names?: string[] } = {};
  const indexes = (types: ReadonlySet<number>): number[] =>
    columns.flatMap(({ type }, index) => (types.has(type) ? [index] : []));
  while (cursor.left > 0) {
    const field = cursor.uint8();
    const data = new Cursor(cursor.bytes(cursor.length()));
    const collations = (found.collations ??= []);
    if (field === Field.Signedness) found.unsigned = readBits(data, indexes(NUMBERS));
    else if (field === Field.DefaultCharset) readDefault(data, indexes(STRINGS), collations);
    else if (field === Field.ColumnCharset) readEach(data, indexes(STRINGS), collations);
    else if (field === Field.EnumAndSetDefaultCharset) readDefault(data, indexes(MEMBERS), collations);
    else if (field === Field.EnumAndSetColumnCharset) readEach(data, indexes(MEMBERS), collations);
    else if (field === Field.ColumnName) found.names = readNames(data);
  }
  return found;
}

/** The highest bit of the first byte is the first column's. */
function readBits(data: ByteCursor, indexes: readonly number[]): (boolean | undefined)[] {
  const bytes = data.rest();
  const bits: (boolean | undefined)[] = [];
  for (const [at, index] of indexes.entries()) bits[index] = ((bytes[at >> 3] ?? 0) & (0x80 >> (at & 7))) !== 0;
  return bits;
}

/** One collation for all, then pairs for the columns that have another. */
function readDefault(data: ByteCursor, indexes: readonly number[], into: (number | undefined)[]): void {
  const common = data.length();
  for (const index of indexes) into[index] = common;
  while (data.left > 0) {
    const index = indexes[data.length()];
    const collation = data.length();
    if (index !== undefined) into[index] = collation;
  }
}

function readEach(data: ByteCursor, indexes: readonly number[], into: (number | undefined)[]): void {
  for (const index of indexes) if (data.left > 0) into[index] = data.length();
}

function readNames(data: ByteCursor): string[] {
  const names: string[] = [];
  while (data.left > 0) names.push(data.text(data.length()));
  return names;
}
