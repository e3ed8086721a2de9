import type { ByteCursor } from '../events/byte-cursor.ts';
import { BinlogError } from '../binlog-error.ts';
import { decimalBytes } from './values/decimal-value.ts';
import { WireType } from './wire-type.ts';

/** How the values of a column stand in row images: what the table map's type and metadata say. */
export interface ColumnLayout {
  /** A number of `WireType`; ENUM and SET by their own, not by the STRING that the map gives for them. */
  readonly type: number;
  /**
   * Bytes of a value, or of its length's prefix: of DECIMAL precision and scale, of temporal types the digits of the
   * fraction, of BIT the bits, of strings the most bytes of a value.
   */
  readonly size: number;
  readonly scale: number;
}

const FIXED_BYTES: Readonly<Record<number, number>> = {
  [WireType.Tiny]: 1,
  [WireType.Short]: 2,
  [WireType.Int24]: 3,
  [WireType.Long]: 4,
  [WireType.LongLong]: 8,
  [WireType.Year]: 1,
  [WireType.Date]: 3,
  [WireType.NewDate]: 3,
  [WireType.Time]: 3,
  [WireType.Timestamp]: 4,
  [WireType.Datetime]: 8,
};
/** Seconds and above, of the temporal types since MySQL 5.6; their fraction has a byte for two digits. */
const WHOLE_BYTES: Readonly<Record<number, number>> = {
  [WireType.Timestamp2]: 4,
  [WireType.Datetime2]: 5,
  [WireType.Time2]: 3,
};

/** What the sizes in metadata can be. */
const SIZES: Readonly<Record<number, readonly [number, number]>> = {
  [WireType.NewDecimal]: [1, 65],
  [WireType.Bit]: [1, 64],
  [WireType.Enum]: [1, 2],
  [WireType.Set]: [1, 8],
  [WireType.Float]: [4, 4],
  [WireType.Double]: [8, 8],
  [WireType.Blob]: [1, 4],
  [WireType.BlobCompressed]: [1, 4],
  [WireType.Geometry]: [1, 4],
  [WireType.Json]: [1, 4],
  [WireType.Vector]: [1, 4],
  [WireType.Timestamp2]: [0, 6],
  [WireType.Datetime2]: [0, 6],
  [WireType.Time2]: [0, 6],
};

/** Reads a column's part of a table map's metadata. Throws `Malformed` for a type that is not known. */
export function readLayout(code: number, metadata: ByteCursor): ColumnLayout {
  const layout = layoutOf(code, metadata);
  const [least = 0, most = Infinity] = SIZES[layout.type] ?? [];
  if (layout.size < least || layout.size > most || layout.scale > layout.size)
    throw new BinlogError('Malformed', `a column of the type ${layout.type} has the size ${layout.size}`);
  return layout;
}

function layoutOf(code: number, metadata: ByteCursor): ColumnLayout {
  switch (code) {
    case WireType.NewDecimal:
      return { type: code, size: metadata.uint8(), scale: metadata.uint8() };
    case WireType.Varchar:
    case WireType.VarcharCompressed:
      return { type: code, size: metadata.uint(2), scale: 0 };
    case WireType.Bit: {
      const bits = metadata.uint8();
      return { type: code, size: metadata.uint8() * 8 + bits, scale: 0 };
    }
    case WireType.VarString:
    case WireType.String:
      return stringLayout(metadata.uint8(), metadata.uint8());
    default: {
      const size = FIXED_BYTES[code] ?? (code in SIZES ? metadata.uint8() : undefined);
      if (size === undefined) throw new BinlogError('Malformed', `a column has the type ${code}, which is not known`);
      return { type: code, size, scale: 0 };
    }
  }
}

/** Takes the bytes of one value that is not NULL, without a length before them. */
export function readRaw({ type, size, scale }: ColumnLayout, row: ByteCursor): Buffer {
  switch (type) {
    case WireType.NewDecimal:
      return row.bytes(decimalBytes(size, scale));
    case WireType.Varchar:
    case WireType.VarcharCompressed:
    case WireType.String:
      return row.bytes(row.uint(size > 255 ? 2 : 1));
    case WireType.Blob:
    case WireType.BlobCompressed:
    case WireType.Geometry:
    case WireType.Json:
    case WireType.Vector:
      return row.bytes(row.uint(size));
    case WireType.Bit:
      return row.bytes(Math.ceil(size / 8));
    default: {
      const whole = WHOLE_BYTES[type];
      return row.bytes(whole === undefined ? size : whole + Math.ceil(size / 2));
    }
  }
}

/** The first byte is the real type; above 255 bytes CHAR hides two bits of its length there. */
function stringLayout(first: number, second: number): ColumnLayout {
  if (first === WireType.Enum || first === WireType.Set) return { type: first, size: second, scale: 0 };
  return { type: WireType.String, size: second + (((first & 0x30) ^ 0x30) << 4), scale: 0 };
}
