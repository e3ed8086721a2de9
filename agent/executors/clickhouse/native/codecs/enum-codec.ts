import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { Misfit } from '../literal.ts';
import type { Literal } from '../literal.ts';
import { ProtocolError } from '../native-error.ts';
import type { Codec, Value, Values } from './codec.ts';

/** Enum8 and Enum16: the number on the wire, its name elsewhere. */
export class EnumCodec implements Codec {
  readonly type: string;
  readonly zero: Value;
  readonly quoted = true;
  readonly #bytes: 1 | 2;
  readonly #names: ReadonlyMap<number, string>;
  readonly #numbers: ReadonlyMap<string, number>;

  /** `names` has at least one entry. */
  constructor(type: string, bits: 8 | 16, names: ReadonlyMap<number, string>) {
    this.type = type;
    this.#bytes = bits === 8 ? 1 : 2;
    this.#names = names;
    this.#numbers = new Map([...names].map(([number, name]) => [name, number]));
    this.zero = [...names.values()][0] ?? '';
  }

  async read(reader: ByteReader, rows: number): Promise<Values> {
    const size = this.#bytes;
    const bytes = await reader.bytes(rows * size);
    return (row) => {
      const number = bytes.readIntLE(row * size, size);
      const name = this.#names.get(number);
      // Below a NULL stands 0, which need not be a name's number.
      if (name === undefined && number !== 0) throw new ProtocolError(`the server sent ${number} for ${this.type}`);
      return name ?? '';
    };
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    const bytes = writer.reserve(values.length * this.#bytes);
    values.forEach((value, row) =>
      bytes.writeIntLE(this.#numbers.get(value as string) ?? 0, row * this.#bytes, this.#bytes),
    );
  }

  fromLiteral(literal: Literal): Value {
    const name = literal.kind === 'number' ? this.#names.get(Number(literal.text)) : undefined;
    if (name !== undefined) return name;
    if (literal.kind !== 'string' || !this.#numbers.has(literal.value)) throw new Misfit(literal, this.type);
    return literal.value;
  }

  toText(value: Value): string {
    return value as string;
  }
}
