import { valueBytes } from '../bus/entry-bytes.ts';
import type { SnapshotChunk, SnapshotCursor } from '../snapshot.ts';
import type { SourcePosition, StreamEntry } from '../stream-entry.ts';
import type { Row } from '../sync-event.ts';
import type { PipelineFailure } from './pipeline-failure.ts';
import { SnapshotFeed } from './snapshot-feed.ts';
import type { SnapshotFeedOptions } from './snapshot-feed.ts';
import type { SnapshotGuard } from './snapshot-guard.ts';

/** Rows of a chunk that may be sent at this moment, and at no later one. */
export interface SnapshotPart {
  readonly chunk: SnapshotChunk;
  /** None: all of it was stale. */
  readonly rows: readonly Row[];
  /** Where the next part begins. */
  readonly end: number;
}

/** What a snapshot can do now. */
export type SnapshotStep =
  | { readonly kind: 'Wait' }
  | { readonly kind: 'Part'; readonly part: SnapshotPart }
  | { readonly kind: 'End' }
  | { readonly kind: 'Failed'; readonly failure: PipelineFailure };

export type SnapshotRunOptions = Omit<SnapshotFeedOptions, 'after'>;

/** A push must get through in its time; the row that goes beyond is the last one of it. */
const MAX_PART_BYTES = 8 * 1024 * 1024;

const WAIT: SnapshotStep = { kind: 'Wait' };

/**
 * One uninterrupted stretch of a snapshot: from its making on it is told of all that the stream brings. A chunk is sent only when all
 * that its read may have seen was sent, and without the rows that were changed by what it did not see (facts/binlog.md).
 */
export class SnapshotRun {
  readonly #options: SnapshotRunOptions;
  readonly #guard: SnapshotGuard;
  #feed: SnapshotFeed | undefined;
  #chunk: SnapshotChunk | undefined;
  /** All that the chunk's read may have seen was sent. */
  #covered = false;
  /** Rows of the chunk that were sent or left out. */
  #sent = 0;
  #ended = false;
  /** Behind the last chunk that was sent whole. */
  #cursor: SnapshotCursor | undefined;

  constructor(options: SnapshotRunOptions, guard: SnapshotGuard) {
    this.#options = options;
    this.#guard = guard;
    this.#cursor = options.cursor;
  }

  get cursor(): SnapshotCursor | undefined {
    return this.#cursor;
  }

  get hasBegun(): boolean {
    return this.#feed !== undefined;
  }

  /** It was told of more than it can hold: the next stretch must begin. */
  get isOverrun(): boolean {
    return this.#guard.isFull;
  }

  record(entry: StreamEntry): void {
    this.#guard.record(entry);
  }

  /** Begins to read. All that the stream had brought before this run was made lies before `after`. */
  begin(after: SourcePosition): void {
    this.#feed ??= new SnapshotFeed({ ...this.#options, after });
  }

  /** Whether there is something to do when the consumer has all of the stream up to `position`. */
  isReady(position: SourcePosition | undefined): boolean {
    this.#advance();
    if (this.#chunk === undefined) return this.#ended || this.#feed?.failure !== undefined;
    this.#covered ||= position !== undefined && this.#chunk.isCoveredBy(position);
    return this.#covered;
  }

  /** What to do then. */
  step(position: SourcePosition | undefined, rows: number): SnapshotStep {
    if (!this.isReady(position)) return WAIT;
    if (this.#chunk !== undefined) return { kind: 'Part', part: this.#part(this.#chunk, rows) };
    const failure = this.#feed?.failure;
    return failure === undefined ? { kind: 'End' } : { kind: 'Failed', failure };
  }

  /** The consumer has the part. Returns whether the chunk is done. */
  acknowledge({ chunk, end }: SnapshotPart): boolean {
    this.#sent = end;
    if (end < chunk.rows.length) return false;
    this.#cursor = chunk.cursor;
    this.#chunk = undefined;
    this.#guard.leave();
    return true;
  }

  /** A push failed: nobody knows whether the consumer has it, so what is older by now must not be sent again. */
  readAgain(): void {
    this.#chunk = undefined;
    this.#ended = false;
    this.#guard.leave();
    this.#feed?.goBack(this.#cursor);
  }

  async close(): Promise<void> {
    await this.#feed?.close();
  }

  #advance(): void {
    if (this.#chunk !== undefined || this.#ended) return;
    const fed = this.#feed?.take();
    if (fed === undefined) return;
    if (fed === 'end') {
      this.#ended = true;
      return;
    }
    this.#chunk = fed.chunk;
    this.#covered = false;
    this.#sent = 0;
    this.#guard.enter(fed.chunk);
  }

  #part(chunk: SnapshotChunk, limit: number): SnapshotPart {
    const rows: Row[] = [];
    let end = this.#sent;
    let bytes = 0;
    for (; end < chunk.rows.length && rows.length < limit && bytes < MAX_PART_BYTES; end += 1) {
      const row = chunk.rows[end];
      if (row === undefined || this.#guard.isStale(chunk.keys[end] ?? '')) continue;
      rows.push(row);
      bytes += valueBytes(row);
    }
    return { chunk, rows, end };
  }
}
