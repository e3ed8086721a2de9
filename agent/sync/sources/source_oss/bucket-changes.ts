import type { IndexClock } from '../../bus/index-clock.ts';
import type { SyncEvent } from '../../sync-event.ts';
import type { StreamEntry } from '../../stream-entry.ts';
import type { ListedObject } from './bucket.ts';
import { stateOf } from './object-index.ts';
import type { ObjectIndex, ObjectState } from './object-index.ts';
import { FIELDS, KEY_FIELDS, keyRowOf, rowOf, TABLE } from './object-row.ts';

/** Where a stream stands: which index, and the last of its entries. */
export type BucketPosition = Readonly<{ objects: string; at: number }>;

/** A part of a bucket as one listing showed it. */
export interface ListedRange {
  /** Behind this key. */
  readonly after: string;
  /** Up to this key; undefined: to the end. */
  readonly upTo: string | undefined;
  readonly objects: readonly ListedObject[];
}

/** What a consumer was told of an object by an entry that it may not have yet. */
interface Told {
  readonly at: number;
  /** Undefined: that it is gone. */
  readonly state: ObjectState;
}

/** Objects that are compared at once. */
const MAX_COMPARED = 10_000;

/** Finds out what listings show that a consumer was not told of. */
export class BucketChanges {
  readonly #index: ObjectIndex;
  readonly #clock: IndexClock;
  readonly #bucket: string;
  /** What was told and is not settled, the newest of each object. */
  readonly #told = new Map<string, Told>();
  /** The same in the order of the entries. */
  #order: { readonly at: number; readonly key: string }[] = [];

  constructor(index: ObjectIndex, clock: IndexClock, bucket: string) {
    this.#index = index;
    this.#clock = clock;
    this.#bucket = bucket;
  }

  /** Of the last entry. */
  get last(): number {
    return this.#clock.last;
  }

  /** An entry without an event. */
  moved(): StreamEntry {
    const index = this.#clock.next(Date.now());
    return { index, position: this.#positionAt(index) };
  }

  /** The consumer need not be told of these. */
  passOver({ objects }: ListedRange): void {
    this.#index.settle(
      this.last,
      objects.map((object) => [object.key, stateOf(object)]),
    );
  }

  /**
   * What the consumer is to be told of a range, and how far the range was looked at (`upTo` of it, or a key before). The marks are on
   * disk when it returns.
   */
  differences({ after, upTo, objects }: ListedRange): { entries: StreamEntry[]; upTo: string | undefined } {
    const known = this.#index.between(after, upTo, MAX_COMPARED);
    const end = known.size < MAX_COMPARED ? upTo : ([...known.keys()].at(-1) ?? upTo);
    const changed: { readonly object: ListedObject; readonly isNew: boolean }[] = [];
    for (const object of objects) {
      if (end !== undefined && end !== upTo && isBehind(object.key, end)) continue;
      const told = this.#told.get(object.key);
      const state = told === undefined ? known.get(object.key) : told.state;
      const isNew = told === undefined ? !known.has(object.key) : told.state === undefined;
      if (state !== stateOf(object)) changed.push({ object, isNew });
      known.delete(object.key);
    }
    const gone = [...known.keys()].filter((key) => {
      const told = this.#told.get(key);
      return told === undefined || told.state !== undefined;
    });
    this.#index.mark([...changed.map(({ object }) => object.key), ...gone]);
    const entries = [
      ...changed.map(({ object, isNew }) => this.#changed(object, isNew)),
      ...gone.map((key) => this.#gone(key)),
    ];
    return { entries, upTo: end };
  }

  /** A snapshot is about to show these: its consumer may have them from now on, whatever it was told. */
  show(keys: readonly string[]): void {
    for (const key of keys) {
      const told = this.#told.get(key);
      if (told !== undefined && told.state === undefined) this.#told.delete(key);
    }
    this.#index.mark(keys.filter((key) => !this.#index.has(key)));
  }

  /** The consumer has everything up to an entry's index. */
  settle(at: number): void {
    const states: [string, ObjectState][] = [];
    const later = this.#order.findIndex((one) => one.at > at);
    const settled = later < 0 ? this.#order : this.#order.slice(0, later);
    this.#order = later < 0 ? [] : this.#order.slice(later);
    for (const one of settled) {
      const told = this.#told.get(one.key);
      // Else it was told of again since, and may have that or this.
      if (told?.at !== one.at) continue;
      states.push([one.key, told.state]);
      this.#told.delete(one.key);
    }
    this.#index.settle(at, states);
  }

  #positionAt(at: number): BucketPosition {
    return { objects: this.#index.id, at };
  }

  #changed(object: ListedObject, isNew: boolean): StreamEntry {
    const change = { event_type: isNew ? 'insert' : 'update', fields: FIELDS, rows: [rowOf(object)] } as const;
    return { ...this.#entry(object.key, stateOf(object), change), committedMs: object.modified };
  }

  #gone(key: string): StreamEntry {
    return this.#entry(key, undefined, { event_type: 'delete', fields: KEY_FIELDS, rows: [keyRowOf(key)] });
  }

  #entry(key: string, state: ObjectState, change: Pick<SyncEvent, 'event_type' | 'fields' | 'rows'>): StreamEntry {
    const index = this.#clock.next(Date.now());
    this.#told.set(key, { at: index, state });
    this.#order.push({ at: index, key });
    return {
      index,
      event: { ...change, index, event_schema: this.#bucket, table: TABLE },
      transaction: index,
      touched: () => ({ keys: [key] }),
      position: this.#positionAt(index),
    };
  }
}

function isBehind(key: string, other: string): boolean {
  return Buffer.compare(Buffer.from(key), Buffer.from(other)) > 0;
}
