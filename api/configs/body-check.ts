import { maskSecrets } from './mask.ts';

/** Where in the request something stands, as in `["body", "config", "uri"]`. */
export type Location = readonly (string | number)[];

/** What is wrong with one value, in the words of FastAPI (facts §1.3), which clients of the original read. */
export interface Problem {
  readonly type: string;
  readonly loc: Location;
  readonly msg: string;
  /** What was sent, without secrets. */
  readonly input: unknown;
  readonly ctx?: Readonly<Record<string, unknown>>;
}

/** Reads a value, and adds to `problems` what is wrong with it; the result is of use only when nothing is. */
export type Check<T> = (value: unknown, loc: Location, problems: Problem[]) => T;

export const text: Check<string> = (value, loc, problems) => {
  if (typeof value === 'string') return value;
  problems.push(problem('string_type', 'Input should be a valid string', loc, value));
  return '';
};

/** Whole numbers, also as text, as the original takes them. */
export const integer: Check<number> = (value, loc, problems) => {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (typeof value === 'number')
    problems.push(
      problem('int_from_float', 'Input should be a valid integer, got a number with a fractional part', loc, value),
    );
  else if (typeof value === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(value)) return Number(value);
  else if (typeof value === 'string')
    problems.push(
      problem('int_parsing', 'Input should be a valid integer, unable to parse string as an integer', loc, value),
    );
  else problems.push(problem('int_type', 'Input should be a valid integer', loc, value));
  return 0;
};

const TRUE: readonly unknown[] = [true, 1, '1', 'true', 't', 'yes', 'y', 'on'];
const FALSE: readonly unknown[] = [false, 0, '0', 'false', 'f', 'no', 'n', 'off'];

export const flag: Check<boolean> = (value, loc, problems) => {
  const plain = typeof value === 'string' ? value.toLowerCase() : value;
  if (TRUE.includes(plain)) return true;
  if (!FALSE.includes(plain))
    problems.push(
      typeof value === 'string'
        ? problem('bool_parsing', 'Input should be a valid boolean, unable to interpret input', loc, value)
        : problem('bool_type', 'Input should be a valid boolean', loc, value),
    );
  return false;
};

/** Far more than anything that is asked for has; what is nested without end can be neither looked through nor passed on. */
const MAX_NESTING = 64;

/** An object with any members, in which nothing is nested deeper than 64 times. */
export const anyObject: Check<Record<string, unknown>> = (value, loc, problems) => {
  if (isObject(value)) {
    if (isDeeperThan(value, MAX_NESTING))
      problems.push(problem('too_deep', `Input should be nested at most ${MAX_NESTING} times`, loc, null));
    return value;
  }
  problems.push(problem('dict_type', 'Input should be a valid dictionary', loc, value));
  return {};
};

export function oneOf<const T extends string>(...words: readonly [T, ...T[]]): Check<T> {
  const quoted = words.map((word) => `'${word}'`);
  const expected = `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1) ?? ''}`;
  return (value, loc, problems) => {
    const found = words.find((word) => word === value);
    if (found === undefined)
      problems.push({ ...problem('literal_error', `Input should be ${expected}`, loc, value), ctx: { expected } });
    return found ?? words[0];
  };
}

export function list<T>(item: Check<T>): Check<T[]> {
  return (value, loc, problems) => {
    if (Array.isArray(value)) return value.map((one, index) => item(one, [...loc, index], problems));
    problems.push(problem('list_type', 'Input should be a valid list', loc, value));
    return [];
  };
}

/** Null counts as left out. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return Object.assign(
    (value: unknown, loc: Location, problems: Problem[]) =>
      value === undefined || value === null ? undefined : check(value, loc, problems),
    { mayBeMissing: true },
  );
}

export type Shape = Readonly<Record<string, Check<unknown>>>;
export type Checked<S extends Shape> = { [Key in keyof S]: ReturnType<S[Key]> };

/** An object with these members. Others are passed over, as the original does, unless `exact`. */
export function object<S extends Shape>(shape: S, { exact = false } = {}): Check<Checked<S>> {
  return (value, loc, problems) => {
    if (!isObject(value)) {
      const msg = 'Input should be a valid dictionary or object to extract fields from';
      problems.push(problem('model_attributes_type', msg, loc, value));
      return {} as Checked<S>;
    }
    const result: Record<string, unknown> = {};
    for (const [key, check] of Object.entries(shape)) {
      const member = Object.hasOwn(value, key) ? value[key] : undefined;
      if (member === undefined && !('mayBeMissing' in check))
        problems.push(problem('missing', 'Field required', [...loc, key], value));
      else result[key] = check(member, [...loc, key], problems);
    }
    for (const key of exact ? Object.keys(value) : [])
      if (!Object.hasOwn(shape, key))
        problems.push(problem('extra_forbidden', 'Extra inputs are not permitted', [...loc, key], value[key]));
    return result as Checked<S>;
  };
}

export function problem(type: string, msg: string, loc: Location, input: unknown): Problem {
  return { type, loc, msg, input: maskSecrets(input, loc) };
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
