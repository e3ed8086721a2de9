import { goFloat, goQuote } from '../../go-format.ts';
import { toRegExp } from '../re2.ts';
import { BOOL, INT, STRING, listOf } from './cel-type.ts';
import { CelError, kindOf } from './cel-value.ts';
import type { CelDuration, CelTime } from './cel-value.ts';
import { free, method } from './overload.ts';
import type { Overload } from './overload.ts';
import { formatDuration, formatTime } from './time-functions.ts';

/** As in `operators.ts`: a bigint where a computation left the safe range. */
type Int = number | bigint;

/** Go counts in code points, JavaScript in UTF-16 units: they differ only where surrogates are. */
const points = (text: string): string[] => Array.from(text);
const isBasic = (text: string): boolean => !/[\ud800-\udfff]/.test(text);

function regExpOf(pattern: string): RegExp {
  try {
    return toRegExp(pattern);
  } catch (error) {
    throw new CelError((error as Error).message);
  }
}

function outOfRange(at: number | bigint): never {
  throw new CelError(`index out of range: ${at}`);
}

function indexOf(text: string, search: string, from: number | bigint, last: boolean): number {
  const list = points(text);
  const start = Number(from);
  if (search === '') return start;
  if (start < 0 || start >= list.length) outOfRange(from);
  const sought = points(search);
  const matches = (at: number): boolean => sought.every((point, offset) => list[at + offset] === point);
  if (last) {
    for (let at = Math.min(start, list.length - sought.length); at >= 0; at -= 1) if (matches(at)) return at;
  } else for (let at = start; at <= list.length - sought.length; at += 1) if (matches(at)) return at;
  return -1;
}

function substring(text: string, from: number | bigint, to?: number | bigint): string {
  const list = isBasic(text) ? text : points(text);
  const start = Number(from);
  const end = to === undefined ? list.length : Number(to);
  if (start < 0 || start > list.length) outOfRange(from);
  if (end < 0 || end > list.length) outOfRange(end);
  if (start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  return typeof list === 'string' ? list.slice(start, end) : list.slice(start, end).join('');
}

function split(text: string, separator: string, limit: number): string[] {
  if (limit === 0) return [];
  const parts = separator === '' ? points(text) : text.split(separator);
  return limit < 0 || parts.length <= limit
    ? parts
    : [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)];
}

function replace(text: string, from: string, to: string, count: number): string {
  if (count < 0)
    return from === ''
      ? to +
          points(text)
            .map((point) => point + to)
            .join('')
      : text.replaceAll(from, to);
  let done = text;
  let at = 0;
  for (let left = count; left > 0; left -= 1) {
    const found = done.indexOf(from, at);
    if (found < 0) break;
    done = done.slice(0, found) + to + done.slice(found + from.length);
    at = found + to.length + (from === '' ? 1 : 0);
    if (at > done.length) break;
  }
  return done;
}

/** `%s` of format(): how each kind of value reads. */
function readable(value: unknown): string {
  switch (kindOf(value)) {
    case 'list':
      return `[${(value as unknown[]).map(readable).join(', ')}]`;
    case 'map': {
      const entries = value instanceof Map ? [...(value as Map<unknown, unknown>)] : Object.entries(value as object);
      return `{${entries
        .map(([key, one]) => `${readable(key)}: ${readable(one)}`)
        .sort()
        .join(', ')}}`;
    }
    case 'timestamp':
      return formatTime(value as CelTime);
    case 'duration':
      return formatDuration(value as CelDuration);
    case 'double':
      return goFloat(value as number);
    case 'bytes':
      return Buffer.from(value as Uint8Array).toString();
    default:
      return String(value);
  }
}

function formatOne(verb: string, precision: string | undefined, value: unknown): string {
  const digits = precision === undefined ? 6 : Number(precision);
  switch (verb) {
    case 's':
      return readable(value);
    case 'd':
      return String(value);
    case 'f':
      return Number(value).toFixed(digits);
    case 'e':
      return Number(value)
        .toExponential(digits)
        .replace(/e([+-])(\d)$/, 'e$10$2');
    case 'b':
      return typeof value === 'boolean' ? (value ? '1' : '0') : BigInt(value as number).toString(2);
    case 'o':
      return BigInt(value as number).toString(8);
    case 'x':
    case 'X': {
      const text =
        typeof value === 'string'
          ? Buffer.from(value).toString('hex')
          : value instanceof Uint8Array
            ? Buffer.from(value).toString('hex')
            : BigInt(value as number).toString(16);
      return verb === 'X' ? text.toUpperCase() : text;
    }
    default:
      throw new CelError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
  }
}

function format(text: string, values: readonly unknown[]): string {
  let at = 0;
  return text.replace(
    /%(?:(%)|(?:\.(\d+))?([a-zA-Z]))/g,
    (_all, percent?: string, precision?: string, verb?: string) => {
      if (percent !== undefined) return '%';
      if (at >= values.length) throw new CelError(`index ${at} out of range`);
      const value = values[at];
      at += 1;
      return formatOne(verb ?? '', precision, value);
    },
  );
}

const sizeOf = (text: string): number => (isBasic(text) ? text.length : points(text).length);
// Go's unicode.IsSpace, which trims U+0085 too and not U+FEFF.
const SPACES = '[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const LEADING = new RegExp(`^${SPACES}+`);
const TRAILING = new RegExp(`${SPACES}+$`);

export const STRING_FUNCTIONS: readonly Overload[] = [
  free('size', ['string'], INT, ([text]: readonly string[]) => sizeOf(text ?? '')),
  method('size', ['string'], INT, ([text]: readonly string[]) => sizeOf(text ?? '')),
  method('contains', ['string', 'string'], BOOL, ([text = '', part = '']: readonly string[]) => text.includes(part)),
  method('startsWith', ['string', 'string'], BOOL, ([text = '', part = '']: readonly string[]) =>
    text.startsWith(part),
  ),
  method('endsWith', ['string', 'string'], BOOL, ([text = '', part = '']: readonly string[]) => text.endsWith(part)),
  method('matches', ['string', 'string'], BOOL, ([text = '', re = '']: readonly string[]) => regExpOf(re).test(text)),
  free('matches', ['string', 'string'], BOOL, ([text = '', re = '']: readonly string[]) => regExpOf(re).test(text)),
  method('lowerAscii', ['string'], STRING, ([text = '']: readonly string[]) =>
    text.replace(/[A-Z]+/g, (found) => found.toLowerCase()),
  ),
  method('upperAscii', ['string'], STRING, ([text = '']: readonly string[]) =>
    text.replace(/[a-z]+/g, (found) => found.toUpperCase()),
  ),
  method('trim', ['string'], STRING, ([text = '']: readonly string[]) =>
    text.replace(LEADING, '').replace(TRAILING, ''),
  ),
  method('reverse', ['string'], STRING, ([text = '']: readonly string[]) => points(text).reverse().join('')),
  method('charAt', ['string', 'int'], STRING, ([text, at]: readonly [string, number]) => {
    const list = points(text);
    if (at < 0 || at > list.length) outOfRange(at);
    return list[at] ?? '';
  }),
  method('indexOf', ['string', 'string'], INT, ([text = '', part = '']: readonly string[]) =>
    text === '' && part !== '' ? -1 : indexOf(text, part, 0, false),
  ),
  method('indexOf', ['string', 'string', 'int'], INT, ([text, part, from]: readonly [string, string, number]) =>
    indexOf(text, part, from, false),
  ),
  method('lastIndexOf', ['string', 'string'], INT, ([text = '', part = '']: readonly string[]) =>
    part === '' ? sizeOf(text) : text === '' ? -1 : indexOf(text, part, sizeOf(text) - 1, true),
  ),
  method('lastIndexOf', ['string', 'string', 'int'], INT, ([text, part, from]: readonly [string, string, number]) =>
    indexOf(text, part, from, true),
  ),
  method('substring', ['string', 'int'], STRING, ([text, from]: readonly [string, number]) => substring(text, from)),
  method('substring', ['string', 'int', 'int'], STRING, ([text, from, to]: readonly [string, number, number]) =>
    substring(text, from, to),
  ),
  method('split', ['string', 'string'], listOf(STRING), ([text = '', by = '']: readonly string[]) =>
    split(text, by, -1),
  ),
  method('split', ['string', 'string', 'int'], listOf(STRING), ([text, by, max]: readonly [string, string, Int]) =>
    split(text, by, Number(max)),
  ),
  method('replace', ['string', 'string', 'string'], STRING, ([text = '', from = '', to = '']: readonly string[]) =>
    replace(text, from, to, -1),
  ),
  method(
    'replace',
    ['string', 'string', 'string', 'int'],
    STRING,
    (operands: readonly [string, string, string, Int]) => {
      const [text, from, to, count] = operands;
      return replace(text, from, to, Number(count));
    },
  ),
  method('join', ['list'], STRING, ([list]: readonly (readonly string[])[]) => (list ?? []).join('')),
  method('join', ['list', 'string'], STRING, ([list, by]: readonly [readonly string[], string]) => list.join(by)),
  method('format', ['string', 'list'], STRING, ([text, list]: readonly [string, readonly unknown[]]) =>
    format(text, list),
  ),
  free('strings.quote', ['string'], STRING, ([text = '']: readonly string[]) => goQuote(text)),
  method(
    'find',
    ['string', 'string'],
    STRING,
    ([text = '', re = '']: readonly string[]) => regExpOf(re).exec(text)?.[0] ?? '',
  ),
  method('findAll', ['string', 'string'], listOf(STRING), ([text = '', re = '']: readonly string[]) =>
    findAll(text, re, -1),
  ),
  method('findAll', ['string', 'string', 'int'], listOf(STRING), ([text, re, max]: readonly [string, string, Int]) =>
    findAll(text, re, Number(max)),
  ),
];

function findAll(text: string, pattern: string, max: number): string[] {
  const expression = regExpOf(pattern);
  const all = Array.from(text.matchAll(new RegExp(expression.source, `${expression.flags}g`)), ([found]) => found);
  return max < 0 ? all : all.slice(0, max);
}
