import { randomUUID } from 'node:crypto';
import { sleep } from '../../../kube/backoff.ts';
import type { BusInfo, BusState } from '../event-bus.ts';
import { PositionLostError, SourceError } from '../source.ts';
import type { Source, SourceConfig, StreamStart } from '../source.ts';
import type { StreamEntry } from '../stream-entry.ts';
import { EntryBuffer } from './entry-buffer.ts';
import type { StreamPoint } from './entry-buffer.ts';

/** One who reads from a bus. */
export interface BusReader {
  /** Entries up to here are not needed any more. */
  readonly committedIndex: number;
  /** Undefined: all. */
  readonly wanted: readonly string[] | undefined;
  /** There is something new, or the stream has ended. */
  wake(): void;
}

export interface LogBusOptions {
  /** With a stream. */
  readonly source: Source;
  readonly config: SourceConfig;
  readonly start: StreamStart;
  /** The reader that it is opened for. */
  readonly reader: BusReader;
}

/** What readers have not committed may take so much memory; what one read of the source brings comes on top. */
export const MAX_BUFFER_BYTES = 64 * 1024 * 1024;

/** A stream that stood for so long was healthy: what fails then is a new failure. */
const HEALTHY_MS = 60_000;

/** A stream is given so long to end before it is left to itself. */
const END_MS = 5000;

/**
 * Reads one stream of a log for several readers. It reads on only while there is room for what the slowest has not committed, and
 * begins again where it was when the source fails for a while.
 */
export class LogBus {
  readonly id = `bus-${randomUUID()}`;
  /** Resolves once the stream stands; rejects with what it failed with before. */
  readonly stands: Promise<void>;
  readonly #options: LogBusOptions;
  readonly #buffer: EntryBuffer;
  readonly #readers = new Set<BusReader>();
  readonly #abort = new AbortController();
  readonly #standing = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #roomMade = Promise.withResolvers<void>();
  #state: BusState = 'IDLE';
  #trouble: BusInfo['trouble'];
  #info = '总线已创建，正在打开数据源。';
  #failure: Error | undefined;
  #produced = 0;

  constructor(options: LogBusOptions) {
    this.#options = options;
    const { checkpoint, afterIndex } = options.start;
    this.#buffer = new EntryBuffer({ index: checkpoint?.index ?? afterIndex, position: checkpoint?.position });
    this.#readers.add(options.reader);
    this.stands = this.#standing.promise;
    // Whoever subscribes looks at it; nobody may be there when the bus is closed first.
    this.stands.catch(() => undefined);
    this.#running = this.#run();
  }

  get buffer(): EntryBuffer {
    return this.#buffer;
  }

  /** What ended the stream. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  get readers(): ReadonlySet<BusReader> {
    return this.#readers;
  }

  /** What is read from the source: what any reader wants. */
  get wanted(): readonly string[] | undefined {
    const all = new Set<string>();
    for (const { wanted } of this.#readers) {
      if (wanted === undefined) return undefined;
      for (const name of wanted) all.add(name);
    }
    return [...all];
  }

  get info(): BusInfo {
    return {
      id: this.id,
      source_name: this.#options.config.id,
      state: this.#state,
      info: this.#info,
      trouble: this.#trouble,
      statistics: {
        events_produced: this.#produced,
        subscriber_count: this.#readers.size,
        buffer_size: this.#buffer.events,
        events_produced_total: this.#produced,
        bus_queue_size: this.#buffer.events,
      },
    };
  }

  /** How many events may wait for the slowest reader. */
  get capacity(): number {
    return this.#options.config.maxQueueSize;
  }

  /** The reader must not need entries that the buffer has forgotten, nor fields that the stream leaves out. */
  attach(reader: BusReader): void {
    this.#readers.add(reader);
  }

  detach(reader: BusReader): void {
    this.#readers.delete(reader);
    this.onCommit();
  }

  /** A reader has committed more than before. */
  onCommit(): void {
    let lowest = Infinity;
    for (const { committedIndex } of this.#readers) lowest = Math.min(lowest, committedIndex);
    if (lowest !== Infinity) this.#buffer.trim(lowest);
    if (!this.#isFull) this.#roomMade.resolve();
  }

  async close(): Promise<void> {
    this.#abort.abort(new SourceError('BusClosed', 'the bus is closed', { retryable: true }));
    this.#roomMade.resolve();
    await Promise.race([this.#running, sleep(END_MS, new AbortController().signal)]);
  }

  get #isFull(): boolean {
    return this.#buffer.events >= this.capacity || this.#buffer.bytes >= MAX_BUFFER_BYTES;
  }

  async #run(): Promise<void> {
    const { start, config } = this.#options;
    let next = start;
    for (let failures = 0; ;) {
      const before = this.#buffer.lastIndex;
      const stoodFrom = { at: Infinity };
      const error = await this.#read(next, stoodFrom);
      if (this.#abort.signal.aborted) {
        this.#standing.reject(this.#abort.signal.reason);
        return;
      }
      const wasHealthy = this.#buffer.lastIndex > before || performance.now() - stoodFrom.at > HEALTHY_MS;
      failures = wasHealthy ? 1 : failures + 1;
      const point = this.#buffer.lastPoint;
      // What cannot be opened at all is tried again by whoever subscribes.
      if (!isRetryable(error) || failures > config.maxRetries || this.#state === 'IDLE' || point === undefined) {
        this.#fail(error);
        return;
      }
      this.#info = `${error.message} (${String(failures)}/${String(config.maxRetries)})`;
      const reason = error instanceof SourceError ? error.reason : error.name;
      this.#trouble = { reason, message: error.message, time: new Date().toISOString() };
      await sleep(config.retryDelayMs, this.#abort.signal);
      next = { checkpoint: checkpointOf(point), afterIndex: this.#buffer.lastIndex };
    }
  }

  /** Reads until the stream ends, and resolves with why. */
  async #read(start: StreamStart, stoodFrom: { at: number }): Promise<Error> {
    const { signal } = this.#abort;
    try {
      const stream = this.#options.source.stream?.(start, () => this.wanted, signal) ?? [];
      for await (const entries of stream) {
        stoodFrom.at = Math.min(stoodFrom.at, performance.now());
        this.#take(entries);
        while (this.#isFull && !signal.aborted) await this.#room();
        if (signal.aborted) break;
      }
      return new SourceError('StreamEnded', 'the source has ended its stream', { retryable: true });
    } catch (err) {
      if (err instanceof SourceError || err instanceof PositionLostError) return err;
      const message = err instanceof Error ? err.message : String(err);
      return new SourceError('StreamFailed', message, { retryable: true, cause: err });
    }
  }

  #take(entries: readonly StreamEntry[]): void {
    for (const entry of entries) if (this.#buffer.append(entry) && entry.event !== undefined) this.#produced += 1;
    this.#state = 'PRODUCING';
    this.#info = '生产者任务已启动，正在监听数据源。';
    this.#trouble = undefined;
    this.onCommit();
    this.#standing.resolve();
    for (const reader of this.#readers) reader.wake();
  }

  async #room(): Promise<void> {
    this.#roomMade = Promise.withResolvers<void>();
    await this.#roomMade.promise;
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#state = 'ERROR';
    this.#info = error.message;
    this.#standing.reject(error);
    for (const reader of this.#readers) reader.wake();
  }
}

/** The index of a point is exact: a stream that begins there gives the same indexes again. */
export const checkpointOf = ({ index, position }: StreamPoint): NonNullable<StreamStart['checkpoint']> => ({
  index,
  position,
  time: new Date().toISOString(),
});

const isRetryable = (error: Error): boolean => error instanceof SourceError && error.retryable;
