import type { FieldSchema } from '../driver-action.ts';

/** The value as the target's type wants it; undefined when it cannot be that. Never called with null or undefined. */
export type Convert = (value: unknown) => unknown;

/** The type of a target, `null` aside; undefined when the consumer does not say, or allows several. */
export function targetType(field: FieldSchema | undefined): string | undefined {
  const types = field === undefined ? [] : typesOf(field).filter((type) => type !== 'null');
  return types.every((type) => type === types[0]) ? types[0] : undefined;
}

/** Consumers made with pydantic write `anyOf: [{type: string}, {type: 'null'}]` for what may be missing. */
function typesOf(field: Readonly<Record<string, unknown>>): string[] {
  const { type, anyOf, oneOf } = field;
  const own: unknown[] = Array.isArray(type) ? type : [type];
  const others = [anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []));
  return [
    ...own.filter((one) => typeof one === 'string'),
    ...others.flatMap((one) => typesOf((one ?? {}) as Readonly<Record<string, unknown>>)),
  ];
}

/** How values become a type; unknown types take every value as it is. */
export function converterTo(type: string | undefined): Convert {
  return CONVERTERS.get(type ?? '') ?? ((value) => value);
}

const CONVERTERS: ReadonlyMap<string, Convert> = new Map<string, Convert>([
  ['string', toText],
  ['integer', toInteger],
  ['number', toNumber],
  ['boolean', toBoolean],
  ['array', (value) => (Array.isArray(value) ? value : undefined)],
]);

function toText(value: unknown): unknown {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function toInteger(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) : undefined;
  if (typeof value === 'boolean') return Number(value);
  // Decimals come as text: their fractions are cut off as those of numbers are.
  const [, text] = /^([+-]?\d+)(?:\.\d*)?$/.exec(typeof value === 'string' ? value.trim() : '') ?? [];
  if (text === undefined) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : exactly(text);
}

function toNumber(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'boolean') return Number(value);
  const text = typeof value === 'string' ? value.trim() : '';
  // One way to read each text: of a long one with two ways, a failing match would try all of them.
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) return undefined;
  const number = Number(text);
  if (!Number.isFinite(number)) return undefined;
  return text.length > EXACT_DIGITS ? exactly(text) : number;
}

function toBoolean(value: unknown): unknown {
  if (typeof value === 'boolean') return value;
  if (value === 1 || value === '1' || value === 'true') return true;
  if (value === 0 || value === '0' || value === 'false') return false;
  return undefined;
}

/** A double keeps as many decimal digits, whatever they are. */
const EXACT_DIGITS = 15;

/** What ECMAScript 2026 has and the type library lacks yet. */
const json = JSON as unknown as { rawJSON(text: string): object };

/** A number of more digits than a double keeps: `JSON.stringify` writes it as it is. */
function exactly(text: string): object {
  const [, sign = '', whole = '', fraction = '', exponent = ''] =
    /^([+-]?)0*(\d*)(?:\.(\d*))?(?:e(.*))?$/i.exec(text) ?? [];
  const point = fraction === '' ? '' : `.${fraction}`;
  return json.rawJSON(`${sign === '-' ? '-' : ''}${whole || '0'}${point}${exponent === '' ? '' : `e${exponent}`}`);
}
