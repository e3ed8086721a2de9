import { EventEmitter, once } from 'node:events';
import { IndexClock } from '../../bus/index-clock.ts';
import type { SnapshotChunk, SnapshotReader } from '../../snapshot.ts';
import { PositionLostError, SourceError } from '../../source.ts';
import type { SnapshotStart, Source, StreamStart, WantedFields } from '../../source.ts';
import type { SourcePosition, StreamEntry } from '../../stream-entry.ts';

/** A change of one row; the version grows with each. */
export interface RowChange {
  readonly id: string;
  readonly version: number;
  readonly isDelete: boolean;
}

/**
 * How a chunk knows what it has seen: `sets` of transactions, taken before the read; or `positions` of the log, which are wrong, for a
 * transaction is in the log before reads see it (facts/binlog.md).
 */
export type Marks = 'sets' | 'positions';

/** Lets a test decide when what happens within the database goes on. */
export type Turn = (what: string) => Promise<void>;

/** Indexes of one transaction's entries. */
const SPAN = 100;

const at = (position: SourcePosition): number => Number(position['at']);

/** One table over a log of transactions, as a replicated database has it: committed in the log first, visible to reads later. */
export class MemoryDatabase implements Source {
  readonly log: (readonly RowChange[])[] = [];
  readonly #visible = new Set<number>();
  readonly #marks: Marks;
  readonly #turn: Turn;
  readonly #news = new EventEmitter().setMaxListeners(0);
  readonly #versions = new Map<string, number>();
  /** Positions before it are gone. */
  purgedTo = 0;
  /** What the next reads of chunks fail with. */
  readonly readFailures: Error[] = [];
  readonly releases: number[] = [];
  /** Where chunks were read behind, in order. */
  readonly reads: (string | undefined)[] = [];

  constructor(marks: Marks = 'sets', turn: Turn = async () => {}) {
    this.#marks = marks;
    this.#turn = turn;
  }

  /** Writes a transaction to the log; returns what shows it to reads. What is changed is read before: it is visible. */
  begin(changes: readonly { readonly id: string; readonly isDelete?: boolean }[]): () => void {
    const ids = new Set(changes.map(({ id }) => id));
    this.log.forEach((transaction, number) => {
      if (transaction.some(({ id }) => ids.has(id))) this.#visible.add(number);
    });
    const number = this.log.length;
    this.log.push(changes.map(({ id, isDelete = false }) => ({ id, isDelete, version: this.#next(id) })));
    this.#news.emit('change');
    return () => {
      this.#visible.add(number);
      this.#news.emit('change');
    };
  }

  /** A transaction that is visible at once. */
  commit(...ids: string[]): void {
    this.begin(ids.map((id) => ({ id })))();
  }

  delete(...ids: string[]): void {
    this.begin(ids.map((id) => ({ id, isDelete: true })))();
  }

  showAll(): void {
    this.log.forEach((_transaction, number) => this.#visible.add(number));
    this.#news.emit('change');
  }

  /** What reads see now: versions by id. */
  rows(): Map<string, number> {
    const rows = new Map<string, number>();
    this.log.forEach((transaction, number) => {
      if (!this.#visible.has(number)) return;
      for (const { id, version, isDelete } of transaction)
        if (isDelete) rows.delete(id);
        else rows.set(id, version);
    });
    return new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  async *stream(start: StreamStart, _wanted: WantedFields, signal: AbortSignal): AsyncGenerator<StreamEntry[], void> {
    let next = start.checkpoint === undefined ? this.log.length : at(start.checkpoint.position);
    if (next < this.purgedTo) throw new PositionLostError(`position ${next} is purged`);
    const clock = new IndexClock(start.checkpoint?.index ?? start.afterIndex);
    yield [{ index: clock.next(next * SPAN), position: { at: next } }];
    while (!signal.aborted) {
      await this.#turn('stream');
      const transaction = this.log[next];
      if (transaction === undefined) {
        await once(this.#news, 'change', { signal }).catch(() => undefined);
        continue;
      }
      yield entriesOf(transaction, next, clock);
      next += 1;
    }
  }

  async openSnapshot({ after }: SnapshotStart, signal: AbortSignal): Promise<SnapshotReader> {
    const all = after === undefined ? 0 : at(after);
    while (this.log.slice(0, all).some((_transaction, number) => !this.#visible.has(number)))
      await once(this.#news, 'change', { signal });
    await this.#turn('open');
    return {
      next: (cursor, rows) => this.#read(cursor?.['id'] as string | undefined, rows),
      close: () => Promise.resolve(),
    };
  }

  release(position: SourcePosition): Promise<void> {
    this.releases.push(at(position));
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #read(after: string | undefined, limit: number): Promise<SnapshotChunk | undefined> {
    this.reads.push(after);
    const failure = this.readFailures.shift();
    if (failure !== undefined) throw failure;
    const seen = new Set(this.#visible);
    const head = this.log.length;
    await this.#turn('read');
    const found = [...this.rows()].filter(([id]) => after === undefined || id > after).slice(0, limit);
    await this.#turn('read');
    const end = this.log.length;
    const last = found.at(-1)?.[0];
    if (last === undefined) return undefined;
    return {
      event_schema: 'memory',
      table: 't',
      fields: ['id', 'version'],
      rows: found.map(([id, version]) => ({ id, version })),
      keys: found.map(([id]) => id),
      cursor: { id: last },
      progress: { tablesDone: 0, tablesTotal: 1 },
      sees: (transaction) =>
        this.#marks === 'sets' ? seen.has(transaction as number) : (transaction as number) < head,
      isCoveredBy: (position) => at(position) >= (this.#marks === 'sets' ? end : head),
    };
  }

  #next(id: string): number {
    const version = (this.#versions.get(id) ?? 0) + 1;
    this.#versions.set(id, version);
    return version;
  }
}

/** For `readFailures`. */
export const unreachable = (): SourceError => new SourceError('ConnectionFailed', 'no connection', { retryable: true });

function entriesOf(transaction: readonly RowChange[], number: number, clock: IndexClock): StreamEntry[] {
  return transaction.map(({ id, version, isDelete }, place) => {
    const index = clock.next((number + 1) * SPAN + place);
    return {
      index,
      event: {
        event_type: isDelete ? 'delete' : 'update',
        fields: ['id', 'version'],
        rows: [{ id, version }],
        index,
        event_schema: 'memory',
        table: 't',
      },
      committedMs: Date.now(),
      transaction: number,
      touched: () => ({ keys: [id] }),
      ...(place === transaction.length - 1 && { position: { at: number + 1 } }),
    };
  });
}
