import {
  BSONRegExp,
  BSONSymbol,
  Binary,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
} from 'mongodb';
import { Timestamp, UUID } from 'mongodb';

/** A value that Extended JSON writes as an object with one key that begins with `$`. */
export interface ExtendedType {
  /** A second key that may stand beside the first. */
  readonly beside?: string;
  /** Takes what stands below the key, itself converted already, and what stands beside. Throws when it cannot be. */
  convert(value: unknown, beside: unknown): unknown;
}

/** What stands below a key is not of its type; the message says what is expected and quotes nothing. */
export class InvalidValue extends Error {
  override readonly name = 'InvalidValue';
}

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT32_MAX = 2 ** 32 - 1;

/** A whole number that a text writes in decimal digits, kept exactly; undefined when it is none of 64 bits. */
export function int64(digits: string): Long | undefined {
  if (!/^-?\d{1,19}$/.test(digits)) return undefined;
  const value = BigInt(digits);
  return value < INT64_MIN || value > INT64_MAX ? undefined : Long.fromBigInt(value);
}

const invalid = (expected: string): never => {
  throw new InvalidValue(`expected ${expected}`);
};
const text = (value: unknown, expected: string): string => (typeof value === 'string' ? value : invalid(expected));
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Numbers that stand where Extended JSON has a string are taken as well, as other tools do. */
const digitsOf = (value: unknown): string =>
  typeof value === 'number' || value instanceof Long ? value.toString() : text(value, 'digits in a string');

function base64(value: unknown): Buffer {
  const encoded = text(value, 'base64 in a string');
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(encoded)) invalid('base64 in a string');
  return Buffer.from(encoded, 'base64');
}

function subType(value: unknown): number {
  const digits = text(value, 'subType in hex digits');
  return /^[0-9a-fA-F]{1,2}$/.test(digits) ? Number.parseInt(digits, 16) : invalid('subType in hex digits');
}

function date(value: unknown): Date {
  const expected = 'a date such as 2026-01-31T12:00:00Z, with its offset, or {"$numberLong": "milliseconds"}';
  const zoned = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d))?$/;
  if (typeof value === 'string' && !zoned.test(value)) invalid(expected);
  const found = new Date(typeof value === 'string' ? value : Number(digitsOf(value)));
  return Number.isNaN(found.getTime()) ? invalid(expected) : found;
}

function decimal(digits: string): Decimal128 {
  try {
    // It rejects digits that would be lost.
    return Decimal128.fromString(digits);
  } catch {
    return invalid('a decimal number of at most 34 digits');
  }
}

const uint32 = (value: unknown): number => {
  const found = value instanceof Long ? value.toNumber() : value;
  return typeof found === 'number' && Number.isInteger(found) && found >= 0 && found <= UINT32_MAX
    ? found
    : invalid('t and i from 0 to 4294967295');
};

/** Extended JSON v2 (canonical and relaxed), and of v1 what `mongoexport` still writes; by its key. */
export const EXTENDED_TYPES: ReadonlyMap<string, ExtendedType> = new Map<string, ExtendedType>(
  Object.entries({
    $oid: {
      convert: (value) =>
        typeof value === 'string' && /^[0-9a-fA-F]{24}$/.test(value) ? new ObjectId(value) : invalid('24 hex digits'),
    },
    $date: { convert: date },
    $numberInt: {
      convert: (value) => {
        const found = Number(digitsOf(value));
        return Number.isInteger(found) && Math.abs(found + 0.5) < 2 ** 31 ? new Int32(found) : invalid('32 bits');
      },
    },
    $numberLong: { convert: (value) => int64(digitsOf(value)) ?? invalid('a whole number of 64 bits') },
    $numberDouble: {
      convert: (value) => {
        const digits = value instanceof Double ? String(value.value) : digitsOf(value);
        if (/^(NaN|-?Infinity)$/.test(digits)) return new Double(Number(digits));
        return digits.trim() === '' || Number.isNaN(Number(digits)) ? invalid('a number') : new Double(Number(digits));
      },
    },
    $numberDecimal: { convert: (value) => decimal(digitsOf(value)) },
    $binary: {
      beside: '$type',
      convert: (value, type) =>
        isObject(value)
          ? new Binary(base64(value['base64']), subType(value['subType']))
          : new Binary(base64(value), subType(type ?? '00')),
    },
    $uuid: {
      convert: (value) =>
        UUID.isValid(text(value, 'a UUID')) ? new UUID(value as string).toBinary() : invalid('a UUID'),
    },
    $regularExpression: {
      convert: (value) =>
        isObject(value)
          ? new BSONRegExp(text(value['pattern'], 'pattern'), text(value['options'] ?? '', 'options'))
          : invalid('pattern and options'),
    },
    $timestamp: {
      convert: (value) =>
        isObject(value)
          ? new Timestamp({ t: uint32(value['t']), i: uint32(value['i']) })
          : invalid('an object with t and i'),
    },
    $symbol: { convert: (value) => new BSONSymbol(text(value, 'a string')) },
    $code: {
      beside: '$scope',
      convert: (value, scope) => new Code(text(value, 'a string'), isObject(scope) ? scope : undefined),
    },
    $minKey: { convert: () => new MinKey() },
    $maxKey: { convert: () => new MaxKey() },
    // The type is deprecated; drivers write null for it.
    $undefined: { convert: () => null },
    $dbPointer: { convert: () => invalid('no DBPointer, which servers no longer take') },
  } satisfies Record<string, ExtendedType>),
);
