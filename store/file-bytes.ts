/** Counts bytes against a limit. */
export interface Room {
  /** Takes room before it is written to; throws `StoreFull`. */
  reserve(bytes: number): void;
  release(bytes: number): void;
}

/** A part of a byte string, both ends included, from 0. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Where the bytes of files are: a byte string under each key. Who calls it keeps the list of keys, lets no two calls
 * change one key at a time, and records a key before it puts to it, so that nothing is ever there unknown. Rejects with
 * `StoreError`. Implementations pass `describeFileBytes`.
 */
export interface FileBytes {
  /** Says which place this is; records keep it, so it stays the same for as long as the bytes are there. */
  readonly place: string;
  /** What the bytes count against. */
  readonly room: Room;
  /** The place of one key, as users are shown it. */
  pathOf(key: string): string;
  /** Stores the bytes in place of what is there. Resolves once they survive a crash and a power loss. */
  put(key: string, source: AsyncIterable<Uint8Array>): Promise<void>;
  /** Rejects unless all bytes of the range are there. */
  read(key: string, range: ByteRange): AsyncIterable<Uint8Array>;
  /** Deletes what is there, whole or left by a put that failed or died half-way; nothing there is no error. */
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}
