import type { StreamEntry } from '../stream-entry.ts';

/** What an entry takes in memory beside its values, roughly. */
const ENTRY_BYTES = 200;
const VALUE_BYTES = 16;

/** About how many bytes of memory an entry takes: strings count in full, whatever stands beside them is guessed. */
export function entryBytes({ event, position }: StreamEntry): number {
  return ENTRY_BYTES + valueBytes(event?.rows) + valueBytes(position);
}

/** The same of a row or one of its values. */
export function valueBytes(value: unknown): number {
  if (typeof value === 'string') return VALUE_BYTES + value.length;
  if (typeof value !== 'object' || value === null) return VALUE_BYTES;
  let bytes = VALUE_BYTES;
  // Without lists of keys or values: this is done for every row of a stream.
  for (const key in value) bytes += valueBytes((value as Record<string, unknown>)[key]);
  return bytes;
}
