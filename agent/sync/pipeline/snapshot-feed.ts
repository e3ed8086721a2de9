import type { SnapshotChunk, SnapshotCursor, SnapshotReader } from '../snapshot.ts';
import type { Source } from '../source.ts';
import type { SourcePosition } from '../stream-entry.ts';
import type { Attempts } from './attempts.ts';
import { ChunkSize } from './chunk-size.ts';
import { failureOf } from './pipeline-failure.ts';
import type { PipelineFailure } from './pipeline-failure.ts';
import { Wake } from './wake.ts';

export interface SnapshotFeedOptions {
  readonly source: Source;
  readonly wanted: readonly string[] | undefined;
  /** All that is before it must be visible to what is read. */
  readonly after: SourcePosition;
  readonly cursor: SnapshotCursor | undefined;
  readonly attempts: Attempts;
  /** Called when there is something to take. */
  readonly onReady: () => void;
}

export type Fed = { readonly chunk: SnapshotChunk } | 'end';

/** Reads a snapshot one chunk ahead, again where it failed, within bounds. */
export class SnapshotFeed {
  readonly #options: SnapshotFeedOptions;
  readonly #closing = new AbortController();
  readonly #size = new ChunkSize();
  readonly #room = new Wake();
  readonly #done: Promise<void>;
  #reader: SnapshotReader | undefined;
  #cursor: SnapshotCursor | undefined;
  #fed: Fed | undefined;
  #ended = false;
  #failure: PipelineFailure | undefined;
  /** Counts how often it was put back: what was asked for before is not wanted any more. */
  #turn = 0;

  constructor(options: SnapshotFeedOptions) {
    this.#options = options;
    this.#cursor = options.cursor;
    this.#done = this.#run();
  }

  /** Why nothing will come any more. */
  get failure(): PipelineFailure | undefined {
    return this.#failure;
  }

  get hasSomething(): boolean {
    return this.#fed !== undefined || this.#failure !== undefined;
  }

  /** The next chunk, when it is there; the one behind it is read meanwhile. */
  take(): Fed | undefined {
    const fed = this.#fed;
    this.#fed = undefined;
    this.#room.ring();
    return fed;
  }

  /** Reads from this cursor again. */
  goBack(cursor: SnapshotCursor | undefined): void {
    this.#turn += 1;
    this.#cursor = cursor;
    this.#fed = undefined;
    this.#ended = false;
    this.#room.ring();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#room.ring();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { attempts, onReady } = this.#options;
    while (!signal.aborted) {
      if (this.#fed !== undefined || this.#ended) {
        await this.#room.wait();
        continue;
      }
      const turn = this.#turn;
      try {
        const fed = await this.#read(signal);
        attempts.succeeded();
        if (turn !== this.#turn) continue;
        this.#fed = fed;
        if (fed === 'end') this.#ended = true;
        else this.#cursor = fed.chunk.cursor;
      } catch (err) {
        await this.#closeReader();
        if (!(await this.#tryAgain(err, signal))) break;
        continue;
      }
      onReady();
    }
    await this.#closeReader();
    if (!signal.aborted) onReady();
  }

  async #read(signal: AbortSignal): Promise<Fed> {
    const { source, wanted, after } = this.#options;
    this.#reader ??= await source.openSnapshot({ wanted, after }, signal);
    const chunk = await this.#reader.next(this.#cursor, this.#size.rows, signal);
    if (chunk === undefined) return 'end';
    this.#size.learn(chunk);
    return { chunk };
  }

  async #tryAgain(err: unknown, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#options.attempts.failed(err, 'reading a snapshot', signal);
      return true;
    } catch (failure) {
      if (!signal.aborted) this.#failure = failureOf(failure);
      return false;
    }
  }

  async #closeReader(): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    await reader?.close().catch(() => undefined);
  }
}
