import type { Literal } from '../native/literal.ts';
import { parseTypeName } from '../native/type-name.ts';
import { unescapeTsv } from '../statement/delimited-text.ts';
import { StatementError } from '../statement/tokens.ts';
import { TupleReader } from '../statement/tuple-reader.ts';

/** Makes a cell of a field: text for a table, a JSON value for JSON. */
export type CellReader = (field: string) => unknown;

/** The reader for the fields of a column of this type in TabSeparated formats. */
export function cellReader(type: string, format: 'text' | 'json'): CellReader {
  const plain = plainType(type);
  const unescape = isNested(type) ? (field: string): string => field : unescapeTsv;
  const convert = format === 'json' ? jsonConverter(plain) : (text: string): unknown => text;
  return (field) => (field === '\\N' ? null : convert(unescape(field)));
}

/** Of these the elements are escaped, not the whole. */
export const isNested = (type: string): boolean => /^(?:Array|Tuple|Map|Nested)\(/.test(plainType(type));

/** Without Nullable and LowCardinality around it. */
export function plainType(type: string): string {
  const { name, args } = parseTypeName(type) ?? {};
  return (name === 'Nullable' || name === 'LowCardinality') && args?.length === 1 ? plainType(args[0] ?? '') : type;
}

function jsonConverter(type: string): (text: string) => unknown {
  if (/^U?Int(?:8|16|32)$/.test(type)) return Number;
  if (/^U?Int\d+$/.test(type)) return BigInt;
  if (type.startsWith('Float')) return toFloat;
  if (type === 'Bool') return (text) => text === 'true' || text === '1';
  return /^(?:Array|Tuple)\(/.test(type) ? nestedValue : (text) => text;
}

const toFloat = (text: string): number =>
  text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text === 'nan' ? NaN : text);

/** Arrays and tuples as JSON, as far as they hold what SQL writes as literals; else their text. */
function nestedValue(text: string): unknown {
  try {
    const literal = new TupleReader(`(${text})`, 0).next()?.[0]?.literal;
    return literal === undefined ? text : valueOf(literal);
  } catch (err) {
    if (err instanceof StatementError) return text;
    throw err;
  }
}

function valueOf(literal: Literal): unknown {
  switch (literal.kind) {
    case 'null':
      return null;
    case 'string':
      return literal.value;
    case 'number':
      if (/^[+-]?\d+$/.test(literal.text)) return BigInt(literal.text);
      return toFloat(literal.text);
    default:
      return literal.items.map(valueOf);
  }
}
