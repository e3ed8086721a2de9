import type { StreamEntry } from '../stream-entry.ts';
import type { SyncEvent } from '../sync-event.ts';
import type { CountingMapping } from './counting-mapping.ts';

/** What one push sends of entries that were read. */
export interface MessageBatch {
  readonly events: readonly SyncEvent[];
  readonly rows: number;
}

/** The events of entries as the consumer wants them, each by itself: what it has up to `afterIndex` is left out. */
export function messageBatch(
  entries: readonly StreamEntry[],
  mapping: CountingMapping,
  afterIndex: number,
): MessageBatch {
  const events: SyncEvent[] = [];
  let rows = 0;
  for (const { index, event } of entries) {
    if (event === undefined || index <= afterIndex) continue;
    const mapped = mapping.apply(event);
    if (mapped === undefined) continue;
    events.push(mapped);
    rows += mapped.rows.length;
  }
  return { events, rows };
}
