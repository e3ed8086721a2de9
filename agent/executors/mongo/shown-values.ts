import { BSON, Decimal128, Double, Int32, Long, ObjectId, Timestamp } from 'mongodb';
import type { Document } from 'mongodb';

/** A document as relaxed Extended JSON, but for whole numbers beyond 53 bits, which stay canonical to keep their digits. */
export function jsonOf(value: unknown): unknown {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (value === undefined) return null;
  if (value instanceof Int32) return value.value;
  if (value instanceof Double) return doubleOf(value);
  if (isInt64(value)) return { $numberLong: value.toString() };
  if (value instanceof ObjectId) return { $oid: value.toHexString() };
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jsonOf(inner)]));
  return BSON.EJSON.serialize({ value }, { relaxed: true })['value'] as unknown;
}

/** What ECMAScript 2026 has and the type library lacks yet. */
const json = JSON as unknown as { rawJSON(text: string): object };

/** A whole double is written with its point, as Extended JSON has it: without it would be an int32 to whoever reads it. */
function doubleOf({ value }: Double): unknown {
  if (!Number.isFinite(value)) return BSON.EJSON.serialize({ value }, { relaxed: true })['value'] as unknown;
  if (!Number.isInteger(value)) return value;
  const digits = Object.is(value, -0) ? '-0' : String(value);
  return json.rawJSON(digits.includes('e') ? digits : `${digits}.0`);
}

/** A field as a cell of a table: scalars plain, the rest as Extended JSON. */
function cellOf(value: unknown): unknown {
  if (value instanceof ObjectId) return value.toHexString();
  if (isInt64(value) || value instanceof Decimal128) return value.toString();
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  const json = jsonOf(value);
  return typeof json === 'object' && json !== null ? JSON.stringify(json) : json;
}

export const cellsOf = (document: Document): object =>
  Object.fromEntries(Object.entries(document).map(([key, value]) => [key, cellOf(value)]));

/** The driver's class for timestamps is a subclass of that for whole numbers. */
const isInt64 = (value: unknown): value is Long => value instanceof Long && !(value instanceof Timestamp);
