import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { Misfit } from '../literal.ts';
import type { Literal } from '../literal.ts';
import type { Codec, Value, Values } from './codec.ts';

/** Nothing, of which there are no values: `SELECT NULL` is Nullable(Nothing), `SELECT []` is Array(Nothing). A byte a row. */
export class NothingCodec implements Codec {
  readonly type = 'Nothing';
  readonly zero = null;
  readonly quoted = false;

  async read(reader: ByteReader, rows: number): Promise<Values> {
    await reader.bytes(rows);
    return () => null;
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    writer.reserve(values.length).fill(0);
  }

  fromLiteral(literal: Literal): Value {
    throw new Misfit(literal, this.type);
  }

  toText(): string {
    return '';
  }
}
