import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { Misfit } from '../literal.ts';
import type { Literal } from '../literal.ts';
import type { Codec, Value, Values } from './codec.ts';
import { exactNumber } from './exact-number.ts';
import { readInteger, writeInteger } from './integer-codec.ts';

/** Decimal(P, S): an integer of 32, 64, 128 or 256 bits, of which S digits stand behind the point. */
export class DecimalCodec implements Codec {
  readonly type: string;
  readonly zero: string;
  readonly quoted = false;
  readonly #bytes: number;
  readonly #limit: bigint;
  readonly #scale: number;

  constructor(precision: number, scale: number) {
    this.type = `Decimal(${precision}, ${scale})`;
    this.#limit = 10n ** BigInt(precision);
    this.#scale = scale;
    this.#bytes = precision <= 9 ? 4 : precision <= 18 ? 8 : precision <= 38 ? 16 : 32;
    this.zero = this.#show(0n);
  }

  async read(reader: ByteReader, rows: number): Promise<Values> {
    const size = this.#bytes;
    const bytes = await reader.bytes(rows * size);
    if (size === 4) return (row) => this.#show(BigInt(bytes.readInt32LE(row * 4)));
    return (row) => this.#show(readInteger(bytes, row * size, size, true));
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    const size = this.#bytes;
    const bytes = writer.reserve(values.length * size);
    values.forEach((value, row) => {
      const digits = BigInt((value as string).replace('.', ''));
      if (size === 4) bytes.writeInt32LE(Number(digits), row * 4);
      else writeInteger(bytes, row * size, size, digits);
    });
  }

  fromLiteral(literal: Literal): Value {
    const text = literal.kind === 'number' ? literal.text : literal.kind === 'string' ? literal.value : '';
    const digits = exactNumber(text, this.#scale);
    if (digits === undefined || digits >= this.#limit || digits <= -this.#limit) throw new Misfit(literal, this.type);
    return this.#show(digits);
  }

  toText(value: Value): string {
    return value as string;
  }

  #show(digits: bigint): string {
    if (this.#scale === 0) return String(digits);
    const text = String(digits < 0n ? -digits : digits).padStart(this.#scale + 1, '0');
    return `${digits < 0n ? '-' : ''}${text.slice(0, -this.#scale)}.${text.slice(-this.#scale)}`;
  }
}
