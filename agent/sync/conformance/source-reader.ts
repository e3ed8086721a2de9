import { expect } from 'vitest';
import type { Subscription } from '../event-bus.ts';
import type { Source } from '../source.ts';
import type { Checkpoint, StreamEntry } from '../stream-entry.ts';

export interface ReaderStart {
  readonly checkpoint?: Checkpoint;
  readonly afterIndex?: number;
  readonly wanted?: readonly string[];
}

/** Reads a source's changes into memory, whether it has a stream or a bus of its own. */
export class SourceReader {
  readonly entries: StreamEntry[] = [];
  failure: unknown;
  readonly #abort = new AbortController();
  readonly #source: Source;
  readonly #wanted: readonly string[] | undefined;
  #subscription: Subscription | undefined;
  readonly #running: Promise<void>;
  readonly #startIndex: number;

  /** Resolves when the stream stands, or has failed. */
  static async open(source: Source, start: ReaderStart = {}): Promise<SourceReader> {
    const reader = new SourceReader(source, start);
    await expect.poll(() => reader.#stands || reader.failure !== undefined).toBe(true);
    return reader;
  }

  private constructor(source: Source, start: ReaderStart) {
    this.#source = source;
    const { checkpoint, afterIndex = checkpoint?.sentIndex ?? checkpoint?.index ?? -1 } = start;
    this.#startIndex = afterIndex;
    this.#wanted = start.wanted;
    this.#running = (
      source.stream === undefined
        ? this.#readBus({ checkpoint, afterIndex })
        : this.#readStream({ checkpoint, afterIndex })
    ).catch((err: unknown) => {
      if (!this.#abort.signal.aborted) this.failure = err;
    });
  }

  get #stands(): boolean {
    return this.#subscription !== undefined || this.entries.length > 0;
  }

  /** The newest position, with the index it stands for. */
  get checkpoint(): Checkpoint | undefined {
    const at = this.entries.findLastIndex(({ position }) => position !== undefined);
    const { index = -1, position } = this.entries[at] ?? {};
    if (position === undefined) return undefined;
    const event = this.entries.slice(0, at + 1).findLast((entry) => entry.event !== undefined);
    return { index, sentIndex: event?.index ?? this.#startIndex, position, time: new Date().toISOString() };
  }

  /** Waits until this is so of what was read. Rejects at once with the failure of the reading. */
  async until(isSo: (entries: readonly StreamEntry[]) => boolean): Promise<void> {
    let failure: unknown;
    await expect
      .poll(() => {
        failure = this.failure;
        return failure !== undefined || isSo(this.entries);
      })
      .toBe(true);
    if (failure !== undefined) throw failure as Error;
  }

  /** A checkpoint that the source was told of. */
  async commit(): Promise<Checkpoint> {
    await this.until(() => this.checkpoint !== undefined);
    const { checkpoint } = this;
    if (checkpoint === undefined) throw new Error('there is no position yet');
    await this.#subscription?.release(checkpoint.position);
    await this.#source.release?.(checkpoint.position);
    return checkpoint;
  }

  /** Ends the reading, and waits for it. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #readStream(start: { checkpoint: Checkpoint | undefined; afterIndex: number }): Promise<void> {
    const stream = this.#source.stream?.(start, () => this.#wanted, this.#abort.signal) ?? [];
    for await (const entries of stream) this.entries.push(...entries);
  }

  async #readBus(start: { checkpoint: Checkpoint | undefined; afterIndex: number }): Promise<void> {
    const { signal } = this.#abort;
    const bus = this.#source.openBus?.();
    if (bus === undefined) throw new Error('the source has neither a stream nor a bus');
    try {
      this.#subscription = await bus.subscribe({ ...start, subscriber: 'a test', wanted: this.#wanted }, signal);
      while (!signal.aborted) {
        const entries = await this.#subscription.read(1000, 500, signal);
        this.entries.push(...entries);
        const last = entries.at(-1);
        if (last !== undefined) this.#subscription.commit(last);
      }
    } finally {
      await this.#subscription?.close();
      await bus.close();
    }
  }
}
