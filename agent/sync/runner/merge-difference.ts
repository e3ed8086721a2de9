import type { MergePatch } from '../../../kube/client.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The merge patch (RFC 7386) that makes `before` say what `wanted` says, of the keys of `wanted` alone: undefined takes a key away.
 * Undefined when there is nothing to change. Both are JSON; null has no place in either, as a merge patch cannot set it.
 */
export function mergeDifference(before: Fields, wanted: Fields): MergePatch | undefined {
  const patch: MergePatch = {};
  for (const [key, value] of Object.entries(wanted)) {
    const known = before[key];
    if (value === undefined) {
      if (known !== undefined) patch[key] = null;
    } else if (isFields(value) && isFields(known)) {
      const inner = mergeDifference(known, withAbsent(value, known));
      if (inner !== undefined) patch[key] = inner;
    } else if (!isSame(known, value)) patch[key] = value;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** `value` with undefined for what `known` has beside it. */
function withAbsent(value: Fields, known: Fields): Fields {
  const absent = Object.keys(known).filter((key) => !Object.hasOwn(value, key));
  return { ...Object.fromEntries(absent.map((key) => [key, undefined])), ...value };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As JSON, whatever the order of keys: a server may give another one back. */
function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, i) => isSame(item, other[i]));
  if (isFields(one) && isFields(other)) return mergeDifference(one, withAbsent(other, one)) === undefined;
  return one === other;
}
