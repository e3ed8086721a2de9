import type { LogLine } from './log-chunk.ts';

export const STREAM_NAMES = ['log', 'result', 'rollback'] as const;

/** What one run of a task left: its whole log, its whole result, or the SQL that undoes it. */
export interface StreamId {
  /** `metadata.uid` of the task. */
  readonly uid: string;
  /** `status.assignment.epoch` of the run. */
  readonly epoch: number;
  readonly name: (typeof STREAM_NAMES)[number];
}

export interface StreamState {
  /** The number of the chunk that comes next; the first is 0. */
  readonly next: number;
  /** How many bytes are there. */
  readonly bytes: number;
  /** Whether the final chunk is there. */
  readonly complete: boolean;
  /** The id of the last log line; 0 before the first, and for results. */
  readonly lastLine: number;
}

export interface Chunk {
  readonly bytes: Uint8Array;
  /** Whether the stream ends with it. */
  readonly final: boolean;
  /** For logs: the ids of the first and the last line, as `indexLogChunk` gives them; absent when there is no line. */
  readonly lines?: { readonly first: number; readonly last: number } | undefined;
}

export interface StoredTask {
  readonly uid: string;
  /** When the task's first chunk came, in milliseconds since 1970. */
  readonly createdAt: number;
}

/**
 * Append-only streams in numbered chunks. Appends to one task take place one after another; readers see whole
 * acknowledged chunks only, also of a stream that still grows. Implementations pass `describeTaskStreams`.
 */
export interface TaskStreams {
  /** The state of a stream; one that nothing was appended to has no chunks. */
  state(id: StreamId): Promise<StreamState>;
  /**
   * Appends chunk number `n`. Resolves once the chunk survives a crash and a power loss. A number below `next` is
   * known already: nothing is written. Rejects with a `StoreError`, and then nothing of the chunk is kept.
   */
  append(id: StreamId, n: number, chunk: Chunk): Promise<StreamState>;
  /** The bytes from `start` (0 unless set) to the end that the stream has when reading begins. */
  read(id: StreamId, start?: number): AsyncIterable<Uint8Array>;
  /** The lines of a log with ids above `after`, oldest first, in batches of bounded size. */
  lines(id: StreamId, after: number): AsyncIterable<readonly LogLine[]>;
  /**
   * Calls `listener` after an append to a stream of the task by this process. Best effort: appends by another process
   * do not show, so followers look at `state` now and then as well. Returns the unsubscribe function.
   */
  onAppend(uid: string, listener: () => void): () => void;
  /** The tasks that have streams. */
  tasks(): AsyncIterable<StoredTask>;
  /** Deletes every stream of a task. Readers under way end well. Deleting what is not there is no error. */
  delete(uid: string): Promise<void>;
}
