import type { Checkpoint, SourcePosition, StreamEntry } from './stream-entry.ts';

export type BusState = 'IDLE' | 'PRODUCING' | 'ERROR';

/** As `GET /instances/buses` shows it (facts §1.4). */
export interface BusInfo {
  /** `bus-<uuid>` */
  readonly id: string;
  /** The id of the first subscriber's source. */
  readonly source_name: string;
  readonly state: BusState;
  readonly info: string;
  /** Why the source cannot be read for now, while that is tried again; not a part of the status. */
  readonly trouble?: { readonly reason: string; readonly message: string; readonly time: string } | undefined;
  readonly statistics: {
    readonly events_produced: number;
    readonly subscriber_count: number;
    readonly buffer_size: number;
    readonly events_produced_total: number;
    readonly bus_queue_size: number;
  };
}

export interface SubscribeOptions {
  /** Names the subscriber in logs. */
  readonly subscriber: string;
  /** Where the stream must begin at the latest; undefined: from now on. */
  readonly checkpoint: Checkpoint | undefined;
  /**
   * The consumer's position; −1: none. Behind a checkpoint entries up to here come too: their events are not for the consumer, but what
   * they touched and where they end is known by them alone. Indexes that follow from no checkpoint are all higher.
   */
  readonly afterIndex: number;
  /** The fields that the subscriber needs; undefined: all. */
  readonly wanted: readonly string[] | undefined;
}

/** One reader's place on a bus. */
export interface Subscription {
  /**
   * The next entries behind those that were read, with about `rows` rows of events at most (one entry at least, when there is one);
   * empty after `waitMs` without any. Entries stay on the bus until `commit`. Rejects with what ended the stream
   * (`PositionLostError`, `SourceError`), and then always.
   */
  read(rows: number, waitMs: number, signal: AbortSignal): Promise<readonly StreamEntry[]>;
  /** Goes back to the first entry that is not committed: for a push that failed and whose rows are to be read again. */
  rewind(): void;
  /** The consumer has everything up to this entry, which was read. */
  commit(entry: StreamEntry): void;
  /** The position is durable in a checkpoint: the source may forget what lies before it. */
  release(position: SourcePosition): Promise<void>;
  readonly bus: BusInfo;
  close(): Promise<void>;
}

/** Carries the changes of one source to subscribers, each at its own pace. */
export interface EventBus {
  readonly info: BusInfo;
  /** Resolves once the stream stands. Rejects with `PositionLostError` or `SourceError`. */
  subscribe(options: SubscribeOptions, signal: AbortSignal): Promise<Subscription>;
  close(): Promise<void>;
}
