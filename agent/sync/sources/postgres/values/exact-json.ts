/** A double holds any number of so many digits. */
const EXACT_DIGITS = 15;
const LONG_NUMBER = /\d[\d.]{15}|[eE]/;

/** The value of a JSON text, in which numbers that a double cannot hold exactly are text. */
export function readJson(text: string): unknown {
  // Few texts have such numbers, and a reviver is slow.
  if (!LONG_NUMBER.test(text)) return JSON.parse(text) as unknown;
  return JSON.parse(text, (_, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' && context?.source !== undefined && !isExact(value, context.source)
      ? context.source
      : value,
  ) as unknown;
}

function isExact(value: number, source: string): boolean {
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value);
  if (String(value) === source) return true;
  if (!Number.isFinite(value)) return false;
  const [mantissa = ''] = source.split(/e/i);
  const digits = mantissa.replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '');
  return digits.length <= EXACT_DIGITS && (value !== 0 || digits === '');
}
