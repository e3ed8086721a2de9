import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { Misfit } from '../literal.ts';
import type { Literal } from '../literal.ts';
import type { Codec, Value, Values } from './codec.ts';

/** UUID: two numbers of 64 bits, the first half first, each with its low byte first. */
export class UuidCodec implements Codec {
  readonly type = 'UUID';
  readonly zero = '00000000-0000-0000-0000-000000000000';
  readonly quoted = true;

  async read(reader: ByteReader, rows: number): Promise<Values> {
    const bytes = await reader.bytes(rows * 16);
    return (row) => {
      const hex = hexOf(bytes.readBigUInt64LE(row * 16)) + hexOf(bytes.readBigUInt64LE(row * 16 + 8));
      return dashed(hex);
    };
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    const bytes = writer.reserve(values.length * 16);
    values.forEach((value, row) => {
      const hex = (value as string).replaceAll('-', '');
      bytes.writeBigUInt64LE(BigInt(`0x${hex.slice(0, 16)}`), row * 16);
      bytes.writeBigUInt64LE(BigInt(`0x${hex.slice(16)}`), row * 16 + 8);
    });
  }

  fromLiteral(literal: Literal): Value {
    if (literal.kind !== 'string' || !/^(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{32})$/i.test(literal.value))
      throw new Misfit(literal, this.type);
    return dashed(literal.value.toLowerCase().replaceAll('-', ''));
  }

  toText(value: Value): string {
    return value as string;
  }
}

const dashed = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');

const hexOf = (half: bigint): string => half.toString(16).padStart(16, '0');
