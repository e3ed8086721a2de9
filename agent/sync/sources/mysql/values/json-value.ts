/** An integer of digits: a number, or the digits where a double does not hold it exactly. */
export function integerJson(digits: string): number | string {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value + 0 : digits;
}

/** The shortest number that is this value once it is rounded to a FLOAT: 0.1, not 0.10000000149011612. */
export function floatJson(value: number): number {
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short + 0;
  }
  return Number(value.toPrecision(9)) + 0;
}

/** JSON has no −0. */
export const doubleJson = (value: number): number => value + 0;

/** What a double may not hold exactly, or hold in a way that JSON cannot write. */
const ODD_NUMBER = /\d{16}|-0|\d\.\d{15}/;
const INTEGER = /^-?\d+$/;
/** More digits than these are not all of a double's. */
const DOUBLE_DIGITS = 17;

/** What JavaScript tells a reviver of a primitive value beside it. */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** A document; numbers in it that a double does not hold exactly are texts of their digits. */
export function documentJson(text: string): unknown {
  return ODD_NUMBER.test(text) ? JSON.parse(text, reviveNumber as Parameters<typeof JSON.parse>[1]) : JSON.parse(text);
}

const reviveNumber: Reviver = (_key, value, { source = '' }) => {
  if (typeof value !== 'number') return value;
  if (INTEGER.test(source)) return integerJson(source);
  const digits = source.replace(/e.*$/i, '').replace(/\D/g, '').replace(/^0+/, '');
  return digits.length > DOUBLE_DIGITS ? source : doubleJson(value);
};
