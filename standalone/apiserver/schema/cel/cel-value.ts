import { deepEqual } from '../correlation.ts';
import { isObject } from '../json-schema.ts';
import type { JsonObject } from '../json-schema.ts';
import { DYN } from './cel-type.ts';
import type { CelType } from './cel-type.ts';

/** An evaluation that has no value. The text is cel-go's. */
export class CelError extends Error {
  override readonly name = 'CelError';
}

export const noSuchOverload = (): CelError => new CelError('no such overload');

/** A point in time, to the nanosecond. */
export class CelTime {
  readonly seconds: number;
  readonly nanos: number;

  constructor(seconds: number, nanos: number) {
    this.seconds = seconds;
    this.nanos = nanos;
  }
}

/** A length of time in nanoseconds. */
export class CelDuration {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A value that may be absent. */
export class CelOptional {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  static readonly none = new CelOptional(undefined);

  get hasValue(): boolean {
    return this.value !== undefined;
  }
}

/** The value of `type(x)`. */
export class CelTypeName {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const UNIT_NANOS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
  d: 8.64e13,
  w: 6.048e14,
};

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  // The schema lets an array pass where a text with a format is asked for.
  if (Array.isArray(value)) throw new CelError('invalid data, expected string, got []interface {}');
  throw noSuchOverload();
}

/** A timestamp of a schema is raw text, a computed one is a CelTime. */
export function asTime(value: unknown): CelTime {
  if (value instanceof CelTime) return value;
  return parseTime(asText(value));
}

export function parseTime(text: string): CelTime {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})?)?$/.exec(text);
  const at =
    match === null ? NaN : Date.parse(`${match[1]}T${match[2] ?? '00:00:00'}${(match[4] ?? 'Z').toUpperCase()}`);
  if (Number.isNaN(at)) throw new CelError(`Invalid date-time formatted string ${text}`);
  return new CelTime(at / 1000, Number((match?.[3] ?? '').padEnd(9, '0').slice(0, 9)));
}

export function asDuration(value: unknown): CelDuration {
  if (value instanceof CelDuration) return value;
  return parseDuration(asText(value));
}

export function parseDuration(text: string): CelDuration {
  const sign = text.startsWith('-') ? -1 : 1;
  let nanos = 0;
  let rest = text.replace(/^[+-]/, '').replaceAll(' ', '');
  if (rest === '0') return new CelDuration(0n);
  while (rest !== '') {
    const match = /^(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w)/.exec(rest);
    if (match === null) throw new CelError(`Invalid duration ${text}`);
    nanos += Number(match[1]) * (UNIT_NANOS[match[2] ?? ''] ?? 0);
    rest = rest.slice(match[0].length);
  }
  return new CelDuration(BigInt(Math.round(nanos)) * BigInt(sign));
}

export function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  return Buffer.from(asText(value), 'base64');
}

export type Kind = CelType['kind'];

/** What a value is when only running shows it. A whole number without a static type counts as int. */
export function kindOf(value: unknown): Kind {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return Number.isInteger(value) ? 'int' : 'double';
    default:
  }
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'list';
  if (value instanceof CelTime) return 'timestamp';
  if (value instanceof CelDuration) return 'duration';
  if (value instanceof CelOptional) return 'optional';
  if (value instanceof CelTypeName) return 'type';
  return value instanceof Uint8Array ? 'bytes' : 'map';
}

export const compareTimes = (a: CelTime, b: CelTime): number => a.seconds - b.seconds || a.nanos - b.nanos;

/** `==` of CEL for two values of one static type. */
export function equals(a: unknown, b: unknown, type: CelType): boolean {
  if (a === b) return true;
  if (a === null || b === null || a === undefined || b === undefined) return false;
  switch (type.kind) {
    case 'string':
    case 'bool':
      return false;
    case 'int':
    case 'uint':
    case 'double':
      return sameNumber(a, b);
    case 'timestamp':
      return compareTimes(asTime(a), asTime(b)) === 0;
    case 'duration':
      return asDuration(a).nanos === asDuration(b).nanos;
    case 'bytes':
      return Buffer.compare(asBytes(a), asBytes(b)) === 0;
    case 'opaque':
      return deepEqual(a, b);
    case 'list':
      return equalLists(a, b, type);
    case 'map':
      return equalMaps(a as JsonObject, b as JsonObject, type.value);
    case 'object':
      return equalObjects(a as JsonObject, b as JsonObject, type);
    case 'optional':
      return equalOptionals(a as CelOptional, b as CelOptional, type.value);
    case 'type':
      return (a as CelTypeName).text === (b as CelTypeName).text;
    default:
      return equalDynamic(a, b);
  }
}

// Ints are numbers or, where a computation leaves the safe range, bigints: loose equality compares the two rightly.
// eslint-disable-next-line eqeqeq
const sameNumber = (a: unknown, b: unknown): boolean => typeof a !== 'string' && typeof b !== 'string' && a == b;

function equalLists(a: unknown, b: unknown, type: CelType & { kind: 'list' }): boolean {
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
  const listType = type.node?.listType;
  if (listType === 'set') return a.every((item) => b.includes(item));
  if (listType === 'map') {
    const keys = type.node?.listMapKeys ?? [];
    return b.every((item: unknown) => {
      const twin: unknown = a.find((other: unknown) => keys.every((key) => member(other, key) === member(item, key)));
      return twin !== undefined && equals(twin, item, type.item);
    });
  }
  for (let index = 0; index < a.length; index += 1) if (!equals(a[index], b[index], type.item)) return false;
  return true;
}

const member = (value: unknown, key: string): unknown => (isObject(value) ? value[key] : undefined);

function sizeOf(value: object): number {
  let size = 0;
  for (const _ in value) size += 1;
  return size;
}

function equalMaps(a: JsonObject, b: JsonObject, value: CelType): boolean {
  if (a instanceof Map || b instanceof Map) return equalMaps(plain(a), plain(b), value);
  if (sizeOf(a) !== sizeOf(b)) return false;
  for (const name in a) if (!(name in b) || !equals(a[name], b[name], value)) return false;
  return true;
}

/** Literals with keys that are not strings are Maps. */
const plain = (value: JsonObject): JsonObject =>
  value instanceof Map
    ? Object.fromEntries([...(value as Map<unknown, unknown>)].map(([key, one]) => [String(key), one]))
    : value;

function equalObjects(a: JsonObject, b: JsonObject, type: CelType & { kind: 'object' }): boolean {
  if (sizeOf(a) !== sizeOf(b)) return false;
  for (const name in a) {
    const field = type.byName.get(name);
    const left = a[name];
    const right = b[name];
    if (left === right) continue;
    if (field === undefined) {
      // As the real server has it: an unknown field that only one side has goes unnoticed when the sizes agree.
      if (name in b && !deepEqual(left, right)) return false;
      continue;
    }
    const found = left !== null && left !== undefined;
    if (found !== (right !== null && right !== undefined)) return false;
    if (found && !equals(left, right, field.type)) return false;
  }
  return true;
}

function equalOptionals(a: CelOptional, b: CelOptional, type: CelType): boolean {
  return a.hasValue === b.hasValue && (!a.hasValue || equals(a.value, b.value, type));
}

function equalDynamic(a: unknown, b: unknown): boolean {
  const kind = kindOf(a);
  const numeric = (kind === 'int' || kind === 'double') && ['int', 'double'].includes(kindOf(b));
  if (numeric) return sameNumber(a, b);
  if (kind !== kindOf(b)) return false;
  switch (kind) {
    case 'list':
      return equals(a, b, { kind: 'list', item: DYN });
    case 'map':
      return equalMaps(a as JsonObject, b as JsonObject, DYN);
    case 'timestamp':
    case 'duration':
    case 'bytes':
    case 'type':
      return equals(a, b, { kind });
    case 'optional':
      return equalOptionals(a as CelOptional, b as CelOptional, DYN);
    default:
      return false;
  }
}

const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);

/** Keeps an int a number while it is safe; refuses what int64 cannot hold. */
export function toInt(value: bigint): number | bigint {
  if (value > MAX_INT || value < MIN_INT) throw new CelError('integer overflow');
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
