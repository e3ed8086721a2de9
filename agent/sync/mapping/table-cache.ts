import type { SyncEvent } from '../sync-event.ts';
import { TableMapping } from './table-mapping.ts';
import type { Entry } from './table-mapping.ts';

/** Tables whose mapping is kept; of a source with more they are compiled again now and then. */
const MAX_TABLES = 1000;

/** Compiles a mapping once for each table and set of its fields, which may change while a stream runs. */
export class TableCache {
  readonly #entries: readonly Entry[];
  readonly #mappings = new Map<string, TableMapping>();
  #last: { readonly event: SyncEvent; readonly mapping: TableMapping } | undefined;

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  get(event: SyncEvent): TableMapping {
    if (this.#last !== undefined && isAlike(this.#last.event, event)) return this.#last.mapping;
    const key = JSON.stringify([event.event_schema, event.table, event.fields]);
    let mapping = this.#mappings.get(key);
    if (mapping === undefined) {
      if (this.#mappings.size >= MAX_TABLES) this.#mappings.clear();
      this.#mappings.set(key, (mapping = new TableMapping(this.#entries, event)));
    }
    // Without its rows, which may be many.
    this.#last = { event: { ...event, rows: [] }, mapping };
    return mapping;
  }
}

function isAlike(one: SyncEvent, other: SyncEvent): boolean {
  return (
    one.table === other.table &&
    one.event_schema === other.event_schema &&
    (one.fields === other.fields ||
      (one.fields.length === other.fields.length && one.fields.every((field, i) => field === other.fields[i])))
  );
}
