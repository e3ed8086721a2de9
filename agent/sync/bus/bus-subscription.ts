import type { BusInfo, SubscribeOptions, Subscription } from '../event-bus.ts';
import type { SourceConfig } from '../source.ts';
import type { SourcePosition, StreamEntry } from '../stream-entry.ts';
import type { StreamPoint } from './entry-buffer.ts';
import type { BusReader, LogBus } from './log-bus.ts';

/** What a subscription asks of those who hold its bus. */
export interface BusKeeper {
  /** The reader waits or has committed: it may be time to give it a bus of its own. */
  onProgress(subscription: BusSubscription): void;
  release(subscription: BusSubscription, position: SourcePosition): Promise<void>;
  onClose(subscription: BusSubscription): Promise<void>;
}

/** A reader's place on a bus, which may become another bus between two reads. */
export class BusSubscription implements Subscription, BusReader {
  readonly wanted: readonly string[] | undefined;
  readonly name: string;
  /** Of its own source: what a bus of its own is to be like. */
  readonly config: SourceConfig;
  readonly #keeper: BusKeeper;
  #bus: LogBus | undefined;
  #readIndex: number;
  #committedIndex: number;
  /** Where a stream could begin again for this reader. */
  #point: StreamPoint | undefined;
  /** Tells a reader that joined where it stands. */
  #first: StreamEntry | undefined;
  /** The indexes of committed positions. */
  readonly #positions = new WeakMap<SourcePosition, number>();
  #failure: Error | undefined;
  #closed = false;
  #awake = Promise.withResolvers<void>();

  constructor(options: SubscribeOptions, config: SourceConfig, keeper: BusKeeper) {
    const { subscriber, wanted, checkpoint, afterIndex } = options;
    this.name = subscriber;
    this.config = config;
    this.wanted = wanted;
    this.#keeper = keeper;
    this.#readIndex = this.#committedIndex = checkpoint?.index ?? afterIndex;
    this.#point = checkpoint;
  }

  get committedIndex(): number {
    return this.#committedIndex;
  }

  get readIndex(): number {
    return this.#readIndex;
  }

  get point(): StreamPoint | undefined {
    return this.#point;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Undefined while its first stream is being opened. */
  get logBus(): LogBus | undefined {
    return this.#bus;
  }

  get bus(): BusInfo {
    return this.#held.info;
  }

  get #held(): LogBus {
    if (this.#bus === undefined) throw new Error('the subscription has no bus yet');
    return this.#bus;
  }

  /** Its bus from now on; entries that it has read are not read again. */
  moveTo(bus: LogBus): void {
    this.#bus = bus;
    // What was committed on the way here may be all that fills it.
    bus.onCommit();
    this.wake();
  }

  /** Begins at the last place of a bus that others read already. */
  joinAt(point: StreamPoint): void {
    this.#readIndex = this.#committedIndex = point.index;
    this.#point = point;
    this.#first = point;
  }

  /** Ends it for its reader. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.wake();
  }

  wake(): void {
    this.#awake.resolve();
  }

  async read(rows: number, waitMs: number, signal: AbortSignal): Promise<readonly StreamEntry[]> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      signal.throwIfAborted();
      const entries = this.#take(rows);
      if (entries.length > 0) return entries;
      const failure = this.#closed ? new Error('the subscription is closed') : (this.#failure ?? this.#held.failure);
      if (failure !== undefined) throw failure;
      this.#keeper.onProgress(this);
      const left = deadline - performance.now();
      if (left <= 0) return [];
      await this.#wait(left, signal);
    }
  }

  rewind(): void {
    this.#readIndex = this.#committedIndex;
  }

  commit({ index, position }: StreamEntry): void {
    if (index <= this.#committedIndex && this.#point !== undefined && index <= this.#point.index) return;
    const { buffer } = this.#held;
    this.#point =
      position === undefined ? (buffer.pointWithin(this.#committedIndex, index) ?? this.#point) : { index, position };
    if (position !== undefined) this.#positions.set(position, index);
    this.#committedIndex = Math.max(this.#committedIndex, index);
    this.#readIndex = Math.max(this.#readIndex, index);
    this.#held.onCommit();
    this.#keeper.onProgress(this);
  }

  /** The index of a position that was committed. */
  committedAt(position: SourcePosition): number | undefined {
    return this.#positions.get(position);
  }

  async release(position: SourcePosition): Promise<void> {
    await this.#keeper.release(this, position);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.wake();
    await this.#keeper.onClose(this);
  }

  #take(rows: number): readonly StreamEntry[] {
    if (this.#closed || this.#failure !== undefined) return [];
    if (this.#first !== undefined) {
      const first = this.#first;
      this.#first = undefined;
      return [first];
    }
    const entries = this.#held.buffer.after(this.#readIndex, rows);
    this.#readIndex = entries.at(-1)?.index ?? this.#readIndex;
    return entries;
  }

  /** Until something changes, the time is over, or the signal aborts. */
  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    this.#awake = Promise.withResolvers<void>();
    const awake = this.#awake;
    const timer = setTimeout(() => awake.resolve(), ms);
    const onAbort = (): void => awake.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await awake.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
