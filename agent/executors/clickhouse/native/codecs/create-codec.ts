import { UnsupportedType } from '../native-error.ts';
import { parseTypeName, unquote } from '../type-name.ts';
import type { Codec } from './codec.ts';
import { DateCodec, DateTimeCodec } from './date-codec.ts';
import { DecimalCodec } from './decimal-codec.ts';
import { EnumCodec } from './enum-codec.ts';
import { FloatCodec } from './float-codec.ts';
import { IntegerCodec } from './integer-codec.ts';
import { ArrayCodec, NullableCodec, TupleCodec } from './nested-codecs.ts';
import { NothingCodec } from './nothing-codec.ts';
import { FixedStringCodec, StringCodec } from './string-codec.ts';
import type { ServerDates } from './server-dates.ts';
import { UuidCodec } from './uuid-codec.ts';

/** How deep types may lie in one another, and how many elements a tuple may have. */
const MAX_DEPTH = 32;
const MAX_TUPLE = 1_000;
const MAX_FIXED_STRING = 1 << 24;

/** Makes the codec of a type. Throws `UnsupportedType`, which names the column, when there is none. */
export function createCodec(type: string, column: string, dates: ServerDates): Codec {
  const codec = find(type, dates, 0);
  if (codec === undefined) throw new UnsupportedType(type, column);
  return codec;
}

function find(type: string, dates: ServerDates, depth: number): Codec | undefined {
  const parsed = parseTypeName(type);
  if (parsed === undefined || depth > MAX_DEPTH) return undefined;
  const { name, args } = parsed;
  const [first = '', second = ''] = args;
  const integer = /^(U?)Int(8|16|32|64|128|256)$/.exec(name);
  if (integer !== null) return new IntegerCodec(Number(integer[2]), integer[1] === '');
  switch (name) {
    case 'Float32':
    case 'Float64':
      return new FloatCodec(name === 'Float32' ? 32 : 64);
    case 'String':
      return new StringCodec();
    case 'FixedString':
      return isBetween(first, 1, MAX_FIXED_STRING) ? new FixedStringCodec(Number(first)) : undefined;
    case 'Date':
      return new DateCodec(dates);
    case 'DateTime':
      return dateTime(type, dates, args.length === 0 ? dates.serverZone : unquote(first));
    case 'Enum8':
    case 'Enum16':
      return enumeration(type, name === 'Enum8' ? 8 : 16, args);
    case 'Decimal':
      return isBetween(first, 1, 76) && isBetween(second, 0, Number(first))
        ? new DecimalCodec(Number(first), Number(second))
        : undefined;
    case 'UUID':
      return new UuidCodec();
    case 'Nothing':
      return new NothingCodec();
    case 'Nullable':
    case 'Array': {
      const inner = args.length === 1 ? find(first, dates, depth + 1) : undefined;
      if (inner === undefined) return undefined;
      return name === 'Array' ? new ArrayCodec(inner) : new NullableCodec(inner);
    }
    case 'Tuple': {
      if (args.length === 0 || args.length > MAX_TUPLE) return undefined;
      const inner = args.map((arg) => find(withoutName(arg), dates, depth + 1));
      return inner.every((codec) => codec !== undefined) ? new TupleCodec(type, inner) : undefined;
    }
    default:
      return undefined;
  }
}

const isBetween = (text: string, min: number, max: number): boolean =>
  /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max;

/** Elements of a tuple may have names: `a UInt8`, `` `a b` UInt8``. */
const withoutName = (element: string): string => element.replace(/^(?:`(?:[^`\\]|\\.|``)*`|\w+)\s+(?=\w)/, '');

function dateTime(type: string, dates: ServerDates, zoneName: string | undefined): Codec | undefined {
  const zone = zoneName === undefined ? undefined : dates.zone(zoneName);
  return zone === undefined ? undefined : new DateTimeCodec(type, zone, dates);
}

function enumeration(type: string, bits: 8 | 16, args: readonly string[]): Codec | undefined {
  const names = new Map<number, string>();
  for (const arg of args) {
    const match = /^('[^]*')\s*=\s*(-?\d{1,5})$/.exec(arg);
    const name = match === null ? undefined : unquote(match[1] ?? '');
    if (match === null || name === undefined) return undefined;
    names.set(Number(match[2]), name);
  }
  return names.size === 0 ? undefined : new EnumCodec(type, bits, names);
}
