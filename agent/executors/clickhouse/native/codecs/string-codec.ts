import { bytesText } from '../../bytes-text.ts';
import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { Misfit } from '../literal.ts';
import type { Literal } from '../literal.ts';
import type { Codec, Value, Values } from './codec.ts';

/** String. ClickHouse keeps bytes; what is not UTF-8 is shown as `\\x` and hex. */
export class StringCodec implements Codec {
  readonly type = 'String';
  readonly zero = '';
  readonly quoted = true;

  async read(reader: ByteReader, rows: number): Promise<Values> {
    const values = await reader.strings(rows);
    return (row) => values[row] ?? '';
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    for (const value of values) writer.string(value as string);
  }

  fromLiteral(literal: Literal): Value {
    if (literal.kind !== 'string') throw new Misfit(literal, this.type);
    return literal.value;
  }

  toText(value: Value): string {
    return value as string;
  }
}

/** FixedString(N): shorter ones are filled up with zero bytes, which belong to the value. */
export class FixedStringCodec implements Codec {
  readonly type: string;
  readonly zero: string;
  readonly quoted = true;
  readonly #size: number;

  constructor(size: number) {
    this.type = `FixedString(${size})`;
    this.zero = '\0'.repeat(size);
    this.#size = size;
  }

  async read(reader: ByteReader, rows: number): Promise<Values> {
    const size = this.#size;
    const bytes = await reader.bytes(rows * size);
    return (row) => bytesText(bytes.subarray(row * size, (row + 1) * size));
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    const bytes = writer.reserve(values.length * this.#size).fill(0);
    values.forEach((value, row) => bytes.write(value as string, row * this.#size, this.#size));
  }

  fromLiteral(literal: Literal): Value {
    if (literal.kind !== 'string') throw new Misfit(literal, this.type);
    const missing = this.#size - Buffer.byteLength(literal.value);
    if (missing < 0) throw new Misfit(literal, this.type);
    return literal.value + '\0'.repeat(missing);
  }

  toText(value: Value): string {
    return value as string;
  }
}
