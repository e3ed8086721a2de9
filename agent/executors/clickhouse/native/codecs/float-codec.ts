import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { Misfit } from '../literal.ts';
import type { Literal } from '../literal.ts';
import type { Codec, Value, Values } from './codec.ts';

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const SPECIAL: Readonly<Record<string, number>> = { inf: Infinity, '+inf': Infinity, '-inf': -Infinity, nan: NaN };

/** Float32 and Float64. */
export class FloatCodec implements Codec {
  readonly type: string;
  readonly zero = 0;
  readonly quoted = false;
  readonly #bytes: 4 | 8;

  constructor(bits: 32 | 64) {
    this.type = `Float${bits}`;
    this.#bytes = bits === 32 ? 4 : 8;
  }

  async read(reader: ByteReader, rows: number): Promise<Values> {
    const bytes = await reader.bytes(rows * this.#bytes);
    return this.#bytes === 4 ? (row) => bytes.readFloatLE(row * 4) : (row) => bytes.readDoubleLE(row * 8);
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    const bytes = writer.reserve(values.length * this.#bytes);
    values.forEach((value, row) => {
      if (this.#bytes === 4) bytes.writeFloatLE(value as number, row * 4);
      else bytes.writeDoubleLE(value as number, row * 8);
    });
  }

  fromLiteral(literal: Literal): Value {
    const text = literal.kind === 'number' ? literal.text : literal.kind === 'string' ? literal.value : '';
    if (!NUMBER.test(text)) {
      const special = SPECIAL[text.toLowerCase()];
      if (special === undefined) throw new Misfit(literal, this.type);
      return special;
    }
    const value = this.#bytes === 4 ? Math.fround(Number(text)) : Number(text);
    if (!Number.isFinite(value)) throw new Misfit(literal, this.type);
    return value;
  }

  toText(value: Value): string {
    const number = value as number;
    if (Number.isNaN(number)) return 'nan';
    if (!Number.isFinite(number)) return number > 0 ? 'inf' : '-inf';
    if (Object.is(number, -0)) return '-0';
    // ClickHouse turns to exponents where JavaScript does, but writes them without a plus sign.
    return (this.#bytes === 4 ? shortestSingle(number) : String(number)).replace('e+', 'e');
  }

  /** As a number: of a text old servers make one that may differ in its last digit. */
  toSql(value: Value): string {
    return Object.is(value, -0) ? '-0.0' : this.toText(value);
  }
}

/** The shortest digits that are this and no other number of 32 bits; six are always exact enough to find fewer. */
function shortestSingle(value: number): string {
  for (let digits = 6; digits < 9; digits += 1) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return String(shorter);
  }
  return String(Number(value.toPrecision(9)));
}
