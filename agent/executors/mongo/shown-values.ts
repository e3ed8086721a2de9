import { BSON, Decimal128, Long, ObjectId, Timestamp } from 'mongodb';
import type { Document } from 'mongodb';

/** A document as relaxed Extended JSON, but for whole numbers beyond 53 bits, which stay canonical to keep their digits. */
export function jsonOf(value: unknown): unknown {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (value === undefined) return null;
  if (isInt64(value)) return { $numberLong: value.toString() };
  if (value instanceof ObjectId) return { $oid: value.toHexString() };
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jsonOf(inner)]));
  return BSON.EJSON.serialize({ value }, { relaxed: true })['value'] as unknown;
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
