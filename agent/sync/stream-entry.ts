import type { SyncEvent } from './sync-event.ts';

/** Where a source's log stands, in the source's own terms: a GTID set, file and offset, an LSN. JSON of 16 KiB at most. */
export type SourcePosition = Readonly<Record<string, unknown>>;

/** Which position an index of the stream stands for: from here a stream can begin again. */
export interface Checkpoint {
  /** Of the last entry before the position. */
  readonly index: number;
  /**
   * Of the last event before the position that the consumer has; unset: `index`. Lower where what came behind it was not for this
   * consumer: it can begin here all the same once its own position is this.
   */
  readonly sentIndex?: number;
  readonly position: SourcePosition;
  /** When the source had got there, as an ISO time. */
  readonly time: string;
}

/** Which rows an entry was about. */
export interface Touched {
  /** As `SnapshotChunk.keys` has them; of an update the key before and the key after. */
  readonly keys: readonly string[];
  /** Beginnings of keys: all that lay under a folder that was moved or deleted. */
  readonly prefixes?: readonly string[];
}

/** One step of a source's stream. */
export interface StreamEntry {
  /** Strictly growing, a safe integer of 0 at least. The same after a new beginning from the same checkpoint. */
  readonly index: number;
  /** Undefined: nothing for consumers; only the position moved. */
  readonly event?: SyncEvent;
  /** When the source committed the change, in epoch milliseconds; for the lag. */
  readonly committedMs?: number;
  /** Which transaction it belongs to; means something to `SnapshotChunk.sees` only. */
  readonly transaction?: unknown;
  /** Not called unless a snapshot runs. */
  readonly touched?: () => Touched;
  /** The position behind this entry; at the ends of transactions only. */
  readonly position?: SourcePosition;
}
