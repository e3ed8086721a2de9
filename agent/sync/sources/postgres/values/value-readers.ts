import { types } from 'pg';
import { readArray } from './array-text.ts';
import { readJson } from './exact-json.ts';

/** Makes of the server's text what goes to consumers. */
export type ValueReader = (text: string) => unknown;

/** What a type is made of. */
export interface TypeFacts {
  /** Of a domain: the type beneath it. */
  readonly base: number | undefined;
  /** Of an array: what it holds. */
  readonly element: number | undefined;
  /** Between the elements of an array of this type. */
  readonly delimiter: string;
}

const { builtins } = types;
const asText: ValueReader = (text) => text;
/** NaN and infinities stay text: JSON has none. */
const asNumber: ValueReader = (text) => {
  const value = Number(text);
  return Number.isFinite(value) ? value : text;
};
const asInteger: ValueReader = (text) => {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
};

const READERS: ReadonlyMap<number, ValueReader> = new Map<number, ValueReader>([
  [builtins.BOOL, (text) => text === 't'],
  [builtins.INT2, Number],
  [builtins.INT4, Number],
  [builtins.OID, Number],
  [builtins.INT8, asInteger],
  [builtins.FLOAT4, asNumber],
  [builtins.FLOAT8, asNumber],
  [builtins.JSON, readJson],
  [builtins.JSONB, readJson],
  [builtins.BYTEA, (text) => Buffer.from(text.slice(2), 'hex').toString('base64')],
]);

const SCHEMA_TYPES: ReadonlyMap<number, string> = new Map<number, string>([
  [builtins.BOOL, 'boolean'],
  [builtins.INT2, 'integer'],
  [builtins.INT4, 'integer'],
  [builtins.INT8, 'integer'],
  [builtins.OID, 'integer'],
  [builtins.FLOAT4, 'number'],
  [builtins.FLOAT8, 'number'],
  [builtins.JSON, 'object'],
  [builtins.JSONB, 'object'],
]);

/**
 * How values of a type are read: booleans, integers and floats as JSON has them, integers past 2⁵³ and `numeric` as text, `bytea` as
 * Base64, JSON as JSON, arrays as arrays, all else as the server writes it (times in UTC).
 */
export function readerOf(oid: number, factsOf: (oid: number) => TypeFacts | undefined): ValueReader {
  const own = READERS.get(oid);
  if (own !== undefined) return own;
  const facts = factsOf(oid);
  if (facts?.base !== undefined) return readerOf(facts.base, factsOf);
  if (facts?.element === undefined) return asText;
  const delimiter = factsOf(facts.element)?.delimiter ?? ',';
  const element = readerOf(facts.element, factsOf);
  return (text) => readArray(text, delimiter, element);
}

/** The type of JSON Schema that values are of. */
export function schemaType(oid: number, factsOf: (oid: number) => TypeFacts | undefined): string {
  const facts = factsOf(oid);
  if (facts?.base !== undefined) return schemaType(facts.base, factsOf);
  if (facts?.element !== undefined) return 'array';
  return SCHEMA_TYPES.get(oid) ?? 'string';
}
