import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { Misfit } from '../literal.ts';
import type { Literal } from '../literal.ts';
import { ProtocolError } from '../native-error.ts';
import { MAX_BLOCK_ROWS } from '../protocol.ts';
import { quotedText } from '../quoted-text.ts';
import { castOf, literalValue } from './codec.ts';
import type { Codec, Value, Values } from './codec.ts';

/** Nullable(T): for each row whether it is NULL, then the values, with a zero where one is. */
export class NullableCodec implements Codec {
  readonly type: string;
  readonly zero = null;
  readonly quoted: boolean;
  readonly #inner: Codec;

  constructor(inner: Codec) {
    this.type = `Nullable(${inner.type})`;
    this.quoted = inner.quoted;
    this.#inner = inner;
  }

  async read(reader: ByteReader, rows: number): Promise<Values> {
    const nulls = await reader.bytes(rows);
    const values = await this.#inner.read(reader, rows);
    return (row) => (nulls[row] === 0 ? values(row) : null);
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    const nulls = writer.reserve(values.length);
    values.forEach((value, row) => (nulls[row] = value === null ? 1 : 0));
    this.#inner.write(
      writer,
      values.map((value) => value ?? this.#inner.zero),
    );
  }

  fromLiteral(literal: Literal): Value {
    return literal.kind === 'null' ? null : literalValue(this.#inner, literal);
  }

  toText(value: Value): string {
    return value === null ? 'NULL' : this.#inner.toText(value);
  }

  toSql(value: Value): string {
    return castOf(this.#inner, value);
  }
}

/** Array(T): for each row where its elements end, then all elements. */
export class ArrayCodec implements Codec {
  readonly type: string;
  readonly zero: Value = [];
  readonly quoted = false;
  readonly #inner: Codec;

  constructor(inner: Codec) {
    this.type = `Array(${inner.type})`;
    this.#inner = inner;
  }

  async read(reader: ByteReader, rows: number): Promise<Values> {
    const bytes = await reader.bytes(rows * 8);
    const end = (row: number): number => (row < 0 ? 0 : Number(bytes.readBigUInt64LE(row * 8)));
    for (let row = 0; row < rows; row += 1)
      if (end(row) < end(row - 1) || end(row) > MAX_BLOCK_ROWS)
        throw new ProtocolError(`the server sent an array that ends at ${end(row)}`);
    const values = await this.#inner.read(reader, end(rows - 1));
    return (row) => {
      const start = end(row - 1);
      return Array.from({ length: end(row) - start }, (_none, i) => values(start + i));
    };
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    const bytes = writer.reserve(values.length * 8);
    let end = 0;
    values.forEach((value, row) => {
      end += (value as Value[]).length;
      bytes.writeBigUInt64LE(BigInt(end), row * 8);
    });
    this.#inner.write(writer, (values as Value[][]).flat(1));
  }

  fromLiteral(literal: Literal): Value {
    if (literal.kind !== 'array') throw new Misfit(literal, this.type);
    return literal.items.map((item) => literalValue(this.#inner, item));
  }

  toText(value: Value): string {
    return `[${(value as Value[]).map((item) => elementText(this.#inner, item)).join(',')}]`;
  }
}

/** Tuple(A, B, …): one column after the other. */
export class TupleCodec implements Codec {
  readonly type: string;
  readonly zero: Value;
  readonly quoted = false;
  readonly #inner: readonly Codec[];

  /** At least one element: a tuple of none would have rows without a byte. */
  constructor(type: string, inner: readonly Codec[]) {
    this.type = type;
    this.zero = inner.map(({ zero }) => zero);
    this.#inner = inner;
  }

  async read(reader: ByteReader, rows: number): Promise<Values> {
    const columns: Values[] = [];
    for (const codec of this.#inner) columns.push(await codec.read(reader, rows));
    return (row) => columns.map((values) => values(row));
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    this.#inner.forEach((codec, i) =>
      codec.write(
        writer,
        (values as Value[][]).map((tuple) => tuple[i] ?? codec.zero),
      ),
    );
  }

  fromLiteral(literal: Literal): Value {
    if (literal.kind !== 'tuple' || literal.items.length !== this.#inner.length) throw new Misfit(literal, this.type);
    const { items } = literal;
    return this.#inner.map((codec, i) => literalValue(codec, items[i] ?? { kind: 'null' }));
  }

  toText(value: Value): string {
    return `(${this.#inner.map((codec, i) => elementText(codec, (value as Value[])[i] ?? null)).join(',')})`;
  }
}

/** As ClickHouse writes an element of an array or tuple. */
function elementText(codec: Codec, value: Value): string {
  if (value === null) return 'NULL';
  const text = codec.toText(value);
  return codec.quoted ? quotedText(text) : text;
}
