import { Code } from 'mongodb';

/** Operators whose argument is JavaScript that the server runs. */
const OPERATORS = new Set(['$where', '$function', '$accumulator']);

/** The first JavaScript in a filter, a pipeline or the like: its operator. */
export function findServerJavascript(value: unknown): string | undefined {
  if (value instanceof Code) return '$code';
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return first(value);
  if (Object.getPrototypeOf(value) !== Object.prototype) return undefined;
  return Object.keys(value).find((key) => OPERATORS.has(key)) ?? first(Object.values(value));
}

function first(values: readonly unknown[]): string | undefined {
  for (const value of values) {
    const found = findServerJavascript(value);
    if (found !== undefined) return found;
  }
  return undefined;
}
