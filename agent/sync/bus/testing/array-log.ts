import { once, EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PositionLostError, SourceError } from '../../source.ts';
import type { Source, SourceConfig, StreamStart, WantedFields } from '../../source.ts';
import type { Checkpoint, SourcePosition, StreamEntry } from '../../stream-entry.ts';
import { IndexClock } from '../index-clock.ts';

/** Something in a log: an event of a table, or nothing for consumers. */
export interface LogItem {
  readonly table?: string;
  readonly text?: string;
  /** A transaction ends behind it. */
  readonly end: boolean;
}

/** A source over an array, with streams as exact as those of a binary log: items have indexes of their own. */
export class ArrayLog implements Source {
  readonly items: LogItem[] = [];
  /** Positions before it are gone. */
  purgedTo = 0;
  /** Items that one array of a stream holds at most. */
  chunk = 3;
  /** Streams that were opened. */
  readonly starts: StreamStart[] = [];
  openStreams = 0;
  /** Items that all streams have brought. */
  brought = 0;
  closed = false;
  readonly releases: SourcePosition[] = [];
  /** Thrown by streams when they come to an item, once. */
  readonly failures = new Map<number, Error>();
  /** How many turns of the event loop each step of a stream takes, over and over; none: not even a microtask. */
  turns: readonly number[] = [];
  #steps = 0;
  /** What opening a stream throws. */
  broken: Error | undefined;
  readonly #added = new EventEmitter().setMaxListeners(0);

  /** Adds one transaction. */
  add(...tables: (string | undefined)[]): void {
    for (const [i, table] of tables.entries())
      this.push({ ...(table !== undefined && { table }), end: i === tables.length - 1 });
  }

  push(item: LogItem): void {
    this.items.push(item);
    this.#added.emit('item');
  }

  /** Lets streams look again. */
  wake(): void {
    this.#added.emit('item');
  }

  /** The place behind so many items. */
  checkpointAt(at: number): Checkpoint {
    const last = this.items.slice(0, at).findLastIndex(({ table }) => table !== undefined);
    return { index: last < 0 ? 0 : indexOf(last), position: { at }, time: new Date(0).toISOString() };
  }

  async *stream(start: StreamStart, wanted: WantedFields, signal: AbortSignal): AsyncGenerator<StreamEntry[], void> {
    this.starts.push(start);
    if (this.turns.length > 0) await this.#step();
    if (this.broken !== undefined) throw this.broken;
    const { checkpoint, afterIndex } = start;
    let at = checkpoint === undefined ? this.items.length : Number(checkpoint.position['at']);
    if (at < this.purgedTo) throw new PositionLostError(`position ${String(at)} is purged`);
    const clock = new IndexClock(checkpoint?.index ?? afterIndex);
    this.openStreams += 1;
    try {
      yield [{ index: clock.next(at * 10), position: { at } }];
      while (!signal.aborted) {
        const entries: StreamEntry[] = [];
        while (at < this.items.length && entries.length < this.chunk) {
          const failure = this.failures.get(at);
          this.failures.delete(at);
          if (failure !== undefined) throw failure;
          entries.push(entryOf(this.items[at], clock.next(indexOf(at)), at, wanted()));
          at += 1;
        }
        this.brought += entries.length;
        if (this.turns.length > 0) await this.#step();
        if (entries.length > 0) yield entries;
        else if (at === this.items.length) await once(this.#added, 'item', { signal }).catch(() => undefined);
      }
    } finally {
      this.openStreams -= 1;
    }
  }

  async #step(): Promise<void> {
    this.#steps += 1;
    const turns = this.turns[this.#steps % this.turns.length] ?? 0;
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
  }

  openSnapshot(): Promise<never> {
    return Promise.reject(new SourceError('NotSupported', 'a log has no rows', { retryable: false }));
  }

  release(position: SourcePosition): Promise<void> {
    this.releases.push(position);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

/** The index that an item has wherever its stream began. */
export const indexOf = (at: number): number => (at + 1) * 10;

export const CONFIG: SourceConfig = {
  id: 'orders',
  driver: 'array',
  uri: 'memory',
  credential: undefined,
  driverParams: {},
  maxQueueSize: 100,
  maxRetries: 3,
  retryDelayMs: 1,
};

function entryOf(
  item: LogItem | undefined,
  index: number,
  at: number,
  wanted: readonly string[] | undefined,
): StreamEntry {
  const { table, text = '', end = false } = item ?? {};
  const isWanted = table !== undefined && (wanted?.includes(table) ?? true);
  return {
    index,
    ...(isWanted && {
      event: { event_type: 'insert', fields: ['at'], rows: [{ at, text }], index, event_schema: 's', table },
    }),
    ...(end && { position: { at: at + 1 } }),
  };
}
