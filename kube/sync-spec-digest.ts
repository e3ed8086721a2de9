import { createHash } from 'node:crypto';
import type { SyncTaskSpec } from './types/synctask.ts';

/** A digest of what a SyncTask is asked to carry, however it is asked to run: two specs are the same when theirs are. */
export function specDigest({ desiredState: _, ...spec }: SyncTaskSpec): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(spec)))
    .digest('hex');
}

/** With the keys of every object in order: servers may give them back in any. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
