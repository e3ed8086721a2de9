import type { ByteCursor } from '../events/byte-cursor.ts';
import { BinlogError } from '../binlog-error.ts';
import type { CellValue } from '../cell-value.ts';
import type { ColumnFact } from '../column-fact.ts';
import { readRaw } from './column-layout.ts';
import type { ColumnLayout } from './column-layout.ts';
import { decoderFor, precisionOf } from './value-decoder.ts';
import { hiresBytes } from './values/old-temporal-value.ts';
import type { HiresType } from './values/old-temporal-value.ts';
import { WireType } from './wire-type.ts';

/** Reads a value that is not NULL. Throws `Malformed` only where the row's bytes end first. */
export type ColumnCodec = (cursor: ByteCursor) => CellValue;

/** Types of MariaDB's with a fraction that the log does not tell from those without. */
const HIRES: Readonly<Record<number, HiresType>> = {
  [WireType.Time]: 'time',
  [WireType.Datetime]: 'datetime',
  [WireType.Timestamp]: 'timestamp',
};

/**
 * How the values of a column are read: the layout says where they stand, the fact what they mean. Where the two do not
 * fit, or there is only a text that says why there is no fact, each value is `undecoded`.
 */
export function columnCodec(layout: ColumnLayout, fact: ColumnFact | string): ColumnCodec {
  const decode = typeof fact === 'string' ? fact : decoderFor(layout, fact);
  const hires = HIRES[layout.type];
  const digits = typeof fact === 'string' ? 0 : precisionOf(fact.type);
  const raw = (cursor: ByteCursor): Buffer =>
    hires === undefined || digits === 0 ? readRaw(layout, cursor) : cursor.bytes(hiresBytes(hires, digits));
  if (typeof decode === 'string') {
    const undecoded: CellValue = { kind: 'undecoded', why: decode };
    return (cursor) => {
      raw(cursor);
      return undecoded;
    };
  }
  return (cursor) => {
    const bytes = raw(cursor);
    try {
      return decode(bytes);
    } catch (err) {
      if (!(err instanceof BinlogError)) throw err;
      return { kind: 'undecoded', why: err.message };
    }
  };
}
