import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';

/** Applies a merge patch (RFC 7386): maps are merged, `null` removes, everything else is replaced whole. */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const base = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) base.delete(key);
    else base.set(key, merged(base.get(key), value));
  }
  return Object.fromEntries(base);
}

/**
 * The merge patch that makes of `live` what `modified` wants: what it names is set, what it named before (`original`)
 * and names no more is removed, all else stays as others made it. Arrays count as one value.
 */
export function threeWayPatch(original: JsonObject, modified: JsonObject, live: JsonObject): JsonObject {
  const patch = new Map<string, unknown>();
  for (const key of Object.keys(original))
    if (!Object.hasOwn(modified, key) && Object.hasOwn(live, key)) patch.set(key, null);
  for (const [key, value] of Object.entries(modified)) {
    const now = Object.hasOwn(live, key) ? live[key] : undefined;
    if (isObject(value) && isObject(now)) {
      const before = Object.hasOwn(original, key) ? original[key] : undefined;
      const inner = threeWayPatch(isObject(before) ? before : {}, value, now);
      if (Object.keys(inner).length > 0) patch.set(key, inner);
    } else if (value === null ? now !== undefined : !isDeepStrictEqual(now, value)) patch.set(key, value);
  }
  return Object.fromEntries(patch);
}
