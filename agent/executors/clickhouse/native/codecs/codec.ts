import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import type { Literal } from '../literal.ts';
import { quotedText } from '../quoted-text.ts';

/**
 * A value of a column. Integers of more than 32 bits are bigints; dates, decimals, UUIDs and the names of enums are
 * strings as ClickHouse writes them; arrays and tuples are arrays.
 */
export type Value = null | number | bigint | string | readonly Value[];

/** The values of a column of one block, by row. */
export type Values = (row: number) => Value;

/** How the values of one type travel in blocks, are written in SQL and shown. */
export interface Codec {
  /** The type as the server names it. */
  readonly type: string;
  /** What stands where a Nullable column has NULL. */
  readonly zero: Value;
  /** In an array or tuple such values stand in quotes. */
  readonly quoted: boolean;
  read(reader: ByteReader, rows: number): Promise<Values>;
  write(writer: ByteWriter, values: readonly Value[]): void;
  /**
   * Throws `Misfit` when the literal is not exactly a value of the type: nothing is rounded, cut or wrapped around. Use
   * `literalValue`, which knows brackets around a literal.
   */
  fromLiteral(literal: Literal): Value;
  /** As ClickHouse's own text formats show it, without escapes. */
  toText(value: Value): string;
  /** What CAST makes the value of; unless set, its text in quotes. */
  toSql?(value: Value): string;
}

/** The value that a literal is in a column of the type. Throws `Misfit`. */
export function literalValue(codec: Codec, literal: Literal): Value {
  const [only] = literal.kind === 'tuple' && literal.items.length === 1 ? literal.items : [];
  // `(1)` is 1, but also a tuple of one.
  return only === undefined || codec.type.startsWith('Tuple(') ? codec.fromLiteral(literal) : literalValue(codec, only);
}

/** The value as an expression of exactly the type. */
export function castOf(codec: Codec, value: Value): string {
  const sql = value === null ? 'NULL' : (codec.toSql?.(value) ?? quotedText(codec.toText(value)));
  return `CAST(${sql} AS ${codec.type})`;
}
