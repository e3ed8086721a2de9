/** What ECMAScript 2026 has and the type library lacks yet. */
const json = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
};

/** Numbers of so many digits a double keeps whatever they are. */
const EXACT_DIGITS = 15;

/** Only then can a number be other than a double: 16 digits, or an exponent. */
const MAY_CHANGE = /[\d.]{16}|\d[eE]/;

/** Reads JSON; numbers that a double cannot hold exactly become text. Throws a `SyntaxError`. */
export function parseExactly(text: string): unknown {
  if (!MAY_CHANGE.test(text)) return JSON.parse(text);
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !isExact(value, source) ? source : value,
  );
}

function isExact(value: number, source: string): boolean {
  if (String(value) === source) return Number.isSafeInteger(value) || !Number.isInteger(value);
  const [mantissa = ''] = source.split(/e/i);
  return Number.isFinite(value) && mantissa.replace(/\D/g, '').length <= EXACT_DIGITS;
}
