import { Double, Long } from 'mongodb';
import { EXTENDED_TYPES, int64, InvalidValue } from './extended-json-types.ts';
import { findJsonFault } from '../database/json-fault.ts';

/** A text is no Extended JSON. The message says where and why, and quotes nothing of its values. */
export class ExtendedJsonError extends Error {
  override readonly name = 'ExtendedJsonError';
}

/** MongoDB takes 100 levels; the rest is for what stands around a document. */
const MAX_DEPTH = 200;
/**
 * A number that a JavaScript number does not tell all about: of 16 digits or more, or one that is whole but written as
 * a double is. Asking V8 for the text of every number takes five times as long, so it is done only where one is seen.
 */
const NEEDS_SOURCE = /[:,[\s]-?(?:\d{16}|\d+(?:\.\d+)?[eE]|\d+\.0+(?!\d))/;

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/**
 * Parses MongoDB Extended JSON v2, canonical or relaxed, to what the driver sends: whole numbers become int32 or int64
 * with all their digits, others doubles. Throws `ExtendedJsonError`.
 */
export function parseExtendedJson(text: string): unknown {
  const fault = findJsonFault(text);
  if (fault !== undefined) {
    const { offset, line, column, problem } = fault;
    throw new ExtendedJsonError(`invalid JSON at line ${line}, column ${column} (position ${offset}): ${problem}`);
  }
  let parsed: unknown;
  try {
    parsed = NEEDS_SOURCE.test(text) ? JSON.parse(text, exactNumber as never) : JSON.parse(text);
  } catch (err) {
    if (err instanceof ExtendedJsonError) throw err;
    throw new ExtendedJsonError('the text is nested too deeply', { cause: err });
  }
  return convert(parsed, []);
}

const exactNumber: Reviver = (_key, value, { source = '' }) => {
  if (typeof value !== 'number' || Number.isSafeInteger(value) === /^-?\d+$/.test(source)) return value;
  const exact = int64(source);
  if (exact === undefined && /^-?\d+$/.test(source) && BigInt(value) !== BigInt(source))
    throw new ExtendedJsonError(
      'a whole number has more digits than 64 bits hold; write it as {"$numberDecimal": "…"}',
    );
  return exact ?? new Double(value);
};

/** Converts in place, so that a name such as __proto__ stays a name. */
function convert(value: unknown, path: (string | number)[]): unknown {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new ExtendedJsonError(`${shown(path)}: the number is too large`);
    return fitted(value);
  }
  if (typeof value !== 'object' || value === null || value instanceof Long || value instanceof Double) return value;
  if (path.length > MAX_DEPTH) throw new ExtendedJsonError(`${shown(path.slice(0, 8))}…: nested too deeply`);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) value[index] = below(value[index], index, path);
    return value;
  }
  const object = value as Record<string, unknown>;
  let typeKey: string | undefined;
  for (const key of Object.keys(object)) {
    object[key] = below(object[key], key, path);
    if (key.startsWith('$') && EXTENDED_TYPES.has(key)) typeKey = key;
  }
  return typeKey === undefined ? object : extended(object, typeKey, path);
}

function below(value: unknown, key: string | number, path: (string | number)[]): unknown {
  path.push(key);
  const converted = convert(value, path);
  path.pop();
  return converted;
}

/** The driver would send a whole number of more than 32 bits as a double. */
const fitted = (value: number): unknown =>
  Number.isSafeInteger(value) && (value > 0x7fff_ffff || value < -0x8000_0000) ? Long.fromNumber(value) : value;

function extended(object: Record<string, unknown>, key: string, path: readonly (string | number)[]): unknown {
  const type = EXTENDED_TYPES.get(key);
  const strange = Object.keys(object).find((other) => other !== key && other !== type?.beside);
  if (strange !== undefined) throw new ExtendedJsonError(`${shown(path)}: ${strange} may not stand beside ${key}`);
  try {
    return type?.convert(object[key], type.beside === undefined ? undefined : object[type.beside]);
  } catch (err) {
    // Messages of the driver quote the value.
    const problem = err instanceof InvalidValue ? `: ${err.message}` : '';
    throw new ExtendedJsonError(`${shown(path)}: invalid ${key}${problem}`, { cause: err });
  }
}

/** `documents[0]._id` */
const shown = (path: readonly (string | number)[]): string =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '') || 'the text';
