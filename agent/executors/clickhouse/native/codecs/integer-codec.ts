import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { Misfit } from '../literal.ts';
import type { Literal } from '../literal.ts';
import type { Codec, Value, Values } from './codec.ts';
import { exactNumber } from './exact-number.ts';

/** Int8 to Int256, UInt8 to UInt256: little-endian, two's complement. */
export class IntegerCodec implements Codec {
  readonly type: string;
  readonly zero: Value;
  readonly quoted = false;
  readonly #bytes: number;
  readonly #signed: boolean;
  readonly #min: bigint;
  readonly #max: bigint;

  constructor(bits: number, signed: boolean) {
    this.type = `${signed ? 'Int' : 'UInt'}${bits}`;
    this.#bytes = bits / 8;
    this.#signed = signed;
    this.#min = signed ? -(1n << BigInt(bits - 1)) : 0n;
    this.#max = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
    this.zero = bits <= 32 ? 0 : 0n;
  }

  async read(reader: ByteReader, rows: number): Promise<Values> {
    const size = this.#bytes;
    const bytes = await reader.bytes(rows * size);
    if (size <= 4)
      return this.#signed ? (row) => bytes.readIntLE(row * size, size) : (row) => bytes.readUIntLE(row * size, size);
    return (row) => readInteger(bytes, row * size, size, this.#signed);
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    const size = this.#bytes;
    const bytes = writer.reserve(values.length * size);
    values.forEach((value, row) => {
      if (size > 4) writeInteger(bytes, row * size, size, value as bigint);
      else if (this.#signed) bytes.writeIntLE(value as number, row * size, size);
      else bytes.writeUIntLE(value as number, row * size, size);
    });
  }

  fromLiteral(literal: Literal): Value {
    const text = literal.kind === 'number' ? literal.text : literal.kind === 'string' ? literal.value : '';
    // `1.0` and `1e3` are integers as numbers, but not as texts.
    const isWhole = /^[+-]?\d{1,80}$/.test(text);
    const value = isWhole || literal.kind === 'number' ? exactNumber(text, 0) : undefined;
    if (value === undefined || value < this.#min || value > this.#max) throw new Misfit(literal, this.type);
    return this.#bytes <= 4 ? Number(value) : value;
  }

  toText(value: Value): string {
    return String(value);
  }
}

/** An integer of 8, 16 or 32 bytes. */
export function readInteger(bytes: Buffer, at: number, size: number, signed: boolean): bigint {
  const last = at + size - 8;
  let value = signed ? bytes.readBigInt64LE(last) : bytes.readBigUInt64LE(last);
  for (let word = last - 8; word >= at; word -= 8) value = (value << 64n) | bytes.readBigUInt64LE(word);
  return value;
}

export function writeInteger(bytes: Buffer, at: number, size: number, value: bigint): void {
  let rest = value;
  for (let word = at; word < at + size; word += 8) {
    bytes.writeBigUInt64LE(BigInt.asUintN(64, rest), word);
    rest >>= 64n;
  }
}
