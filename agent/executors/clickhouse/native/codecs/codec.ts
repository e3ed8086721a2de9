import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import type { Literal } from '../literal.ts';

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
  /** Throws `NotPlain` when the literal is not exactly a value of the type. */
  fromLiteral(literal: Literal): Value;
  /** As ClickHouse's own text formats show it, without escapes. */
  toText(value: Value): string;
}
