import type { ByteCursor } from './byte-cursor.ts';
import { ByteCursor as Cursor } from './byte-cursor.ts';
import type { ColumnLayout } from '../rows/column-layout.ts';
import { WireType } from '../rows/wire-type.ts';

export interface TableMetadata {
  /** By column of the table; holes where nothing is said. */
  readonly unsigned?: readonly (boolean | undefined)[];
  readonly strings?: Collations;
  /** Of ENUM and SET. */
  readonly members?: Collations;
  /** With binlog_row_metadata=FULL only. */
  readonly names?: readonly string[];
  /** With FULL only: the members of each ENUM, then of each SET, in their column's character set. */
  readonly enums?: readonly (readonly Buffer[])[];
  readonly sets?: readonly (readonly Buffer[])[];
  /** With FULL only: places of the columns of the primary key, in its order; undefined also where it has beginnings of values only. */
  readonly primaryKey?: readonly number[];
}

/** Numbers of collations, as in information_schema, of the columns of some types in their order. */
export interface Collations {
  /** Of all that are not named. */
  readonly common: number | undefined;
  readonly byPlace: ReadonlyMap<number, number>;
}

/** Kinds of fields behind a table map (MySQL 8's Table_map_log_event). */
const Field = {
  Signedness: 1,
  DefaultCharset: 2,
  ColumnCharset: 3,
  ColumnName: 4,
  SetMembers: 5,
  EnumMembers: 6,
  PrimaryKey: 8,
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
/** Reads what follows to the event's end. Fields that are not known are passed over. Throws `Malformed`. */
export function readMetadata(cursor: ByteCursor, columns: readonly ColumnLayout[]): TableMetadata {
  const found: { -readonly [Name in keyof TableMetadata]: TableMetadata[Name] } = {};
  while (cursor.left > 0) {
    const field = cursor.uint8();
    const data = new Cursor(cursor.bytes(cursor.length()));
    if (field === Field.Signedness) found.unsigned = readBits(data, columns);
    else if (field === Field.DefaultCharset) found.strings = readDefault(data);
    else if (field === Field.ColumnCharset) found.strings = readEach(data);
    else if (field === Field.EnumAndSetDefaultCharset) found.members = readDefault(data);
    else if (field === Field.EnumAndSetColumnCharset) found.members = readEach(data);
    else if (field === Field.ColumnName) found.names = readNames(data);
    else if (field === Field.SetMembers) found.sets = readMembers(data);
    else if (field === Field.EnumMembers) found.enums = readMembers(data);
    else if (field === Field.PrimaryKey) found.primaryKey = readKey(data);
  }
  return found;
}

/** For each column how many there are, and each with its length. */
function readMembers(data: ByteCursor): Buffer[][] {
  const columns: Buffer[][] = [];
  while (data.left > 0) {
    const members: Buffer[] = [];
    for (let left = data.length(); left > 0; left -= 1) members.push(data.bytes(data.length()));
    columns.push(members);
  }
  return columns;
}

function readKey(data: ByteCursor): number[] {
  const places: number[] = [];
  while (data.left > 0) places.push(data.length());
  return places;
}

/** The highest bit of the first byte is the first number's. */
function readBits(data: ByteCursor, columns: readonly ColumnLayout[]): (boolean | undefined)[] {
  const bytes = data.rest();
  let at = 0;
  return columns.map(({ type }) => {
    if (!NUMBERS.has(type)) return undefined;
    at += 1;
    return ((bytes[(at - 1) >> 3] ?? 0) & (0x80 >> ((at - 1) & 7))) !== 0;
  });
}

/** One collation for all, then pairs for the columns that have another. */
function readDefault(data: ByteCursor): Collations {
  const common = data.length();
  const byPlace = new Map<number, number>();
  while (data.left > 0) byPlace.set(data.length(), data.length());
  return { common, byPlace };
}

function readEach(data: ByteCursor): Collations {
  const byPlace = new Map<number, number>();
  while (data.left > 0) byPlace.set(byPlace.size, data.length());
  return { common: undefined, byPlace };
}

function readNames(data: ByteCursor): string[] {
  const names: string[] = [];
  while (data.left > 0) names.push(data.text(data.length()));
  return names;
}
