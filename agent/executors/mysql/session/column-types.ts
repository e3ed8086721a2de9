import { isUtf8 } from 'node:buffer';
import type { Column } from '../../sql/result-writer.ts';

/** A column as the server describes it. */
export interface Field {
  readonly name: string;
  /** The number of the collation; 63 is binary. */
  readonly charset: number;
  /** How long a value may be at most, in bytes. */
  readonly length: number;
  /** The number of its type (MySQL's source, `enum_field_types`). */
  readonly type: number;
  readonly flags: number;
  /** MariaDB's own name for what is sent as another type: `json`, `uuid`, `inet6`. */
  readonly format: string | undefined;
}

const BINARY = 63;
const UNSIGNED = 0x20;
const ENUM = 0x100;
const SET = 0x800;

const NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'decimal'],
  [1, 'tinyint'],
  [2, 'smallint'],
  [3, 'int'],
  [4, 'float'],
  [5, 'double'],
  [6, 'null'],
  [7, 'timestamp'],
  [8, 'bigint'],
  [9, 'mediumint'],
  [10, 'date'],
  [11, 'time'],
  [12, 'datetime'],
  [13, 'year'],
  [14, 'date'],
  [15, 'varchar'],
  [16, 'bit'],
  [242, 'vector'],
  [245, 'json'],
  [246, 'decimal'],
  [247, 'enum'],
  [248, 'set'],
  [255, 'geometry'],
]);
/** What holds bytes or text: by the collation. */
const STRINGS: ReadonlyMap<number, readonly [bytes: string, text: string]> = new Map([
  [15, ['varbinary', 'varchar']],
  [249, ['tinyblob', 'tinytext']],
  [250, ['mediumblob', 'mediumtext']],
  [251, ['longblob', 'longtext']],
  [252, ['blob', 'text']],
  [253, ['varbinary', 'varchar']],
  [254, ['binary', 'char']],
]);
const JSON_TYPE = 245;
const BYTES: readonly number[] = [16, 242, 255];
/** What MariaDB sends as binary strings, and means as text. */
const TEXT_FORMATS: readonly string[] = ['json', 'uuid', 'inet4', 'inet6'];
const INTEGERS: readonly number[] = [1, 2, 3, 8, 9, 13];
const FLOATS: readonly number[] = [4, 5];
const DECIMALS: readonly number[] = [0, 246];

/** The name of a column's type, as the server's manual has it, without its length. */
function typeName({ type, flags, charset, format }: Field): string {
  if (format !== undefined) return format;
  const strings = STRINGS.get(type);
  if (strings === undefined) {
    const name = NAMES.get(type) ?? `type ${type}`;
    const isNumber = INTEGERS.includes(type) || FLOATS.includes(type) || DECIMALS.includes(type);
    return isNumber && type !== 13 && (flags & UNSIGNED) !== 0 ? `${name} unsigned` : name;
  }
  if ((flags & ENUM) !== 0) return 'enum';
  if ((flags & SET) !== 0) return 'set';
  return strings[charset === BINARY ? 0 : 1];
}

const isJson = ({ type, format }: Field): boolean => type === JSON_TYPE || format === 'json';
const isBytes = ({ type, charset, format }: Field): boolean =>
  BYTES.includes(type) || (charset === BINARY && STRINGS.has(type) && !TEXT_FORMATS.includes(format ?? ''));

/** For the result of a statement. */
export function toColumns(fields: readonly Field[]): readonly Column[] {
  return fields.map((field) => ({
    name: field.name,
    type: typeName(field),
    numeric: [...INTEGERS, ...FLOATS, ...DECIMALS].includes(field.type),
    json: isJson(field),
  }));
}

/** Makes text of the bytes of a value. */
export type ValueReader = (buffer: Buffer, from: number, to: number) => string;

const utf8: ValueReader = (buffer, from, to) => buffer.toString('utf8', from, to);
const latin1: ValueReader = (buffer, from, to) => buffer.toString('latin1', from, to);
/** As the server reads it in a statement: `0x1F`. */
const hex: ValueReader = (buffer, from, to) => `0x${buffer.toString('hex', from, to).toUpperCase()}`;
/** Of a client that asked for another character set than UTF-8. */
const guessed: ValueReader = (buffer, from, to) =>
  isUtf8(buffer.subarray(from, to)) ? utf8(buffer, from, to) : hex(buffer, from, to);

/** How a column's values are read; `utf8`: the server sends text in UTF-8. */
export function valueReader(field: Field, isUtf8Sent: boolean): ValueReader {
  if (isBytes(field)) return hex;
  // Digits and signs only.
  if (NAMES.has(field.type) && field.type < 15) return latin1;
  return isUtf8Sent ? utf8 : guessed;
}

type JsonReader = (text: string) => unknown;

/** For JSON: makes of the server's text what JSON has a type for, without losing a digit; the rest stays text. */
export function jsonReaders(fields: readonly Field[]): readonly (JsonReader | undefined)[] {
  return fields.map(({ type }) => {
    if (INTEGERS.includes(type)) return BigInt;
    return FLOATS.includes(type) ? Number : undefined;
  });
}
