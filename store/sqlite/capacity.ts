import type { Room } from '../file-bytes.ts';
import { StoreError } from '../store-error.ts';

/** Counts the bytes of a store against its limit, and sees that the disk does not run full. */
export class Capacity implements Room {
  readonly maxBytes: number;
  readonly #freeBytes: () => number;
  #usedBytes: number;

  /** `freeBytes` tells how much may be written to the disk. */
  constructor(maxBytes: number, usedBytes: number, freeBytes: () => number) {
    this.maxBytes = maxBytes;
    this.#usedBytes = usedBytes;
    this.#freeBytes = freeBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Takes room before it is written to; throws `StoreFull`. */
  reserve(bytes: number): void {
    if (this.#usedBytes + bytes > this.maxBytes)
      throw new StoreError(
        'StoreFull',
        `the store is full: ${this.#usedBytes} of ${this.maxBytes} bytes are used; delete tasks or files, or raise the limit`,
      );
    if (bytes > this.#freeBytes())
      throw new StoreError('StoreFull', 'the disk of the store is almost full; free space, or delete tasks or files');
    this.#usedBytes += bytes;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

/** Turns a full disk, as the file system or SQLite reports it, into `StoreFull`; other errors stay as they are. */
export function asStoreFull(err: unknown): unknown {
  const { code, errcode } = err as { code?: unknown; errcode?: unknown };
  const SQLITE_FULL = 13;
  if (code === 'ENOSPC' || code === 'EDQUOT' || errcode === SQLITE_FULL)
    return new StoreError('StoreFull', 'the disk of the store is full; free space, or delete tasks or files', {
      cause: err,
    });
  return err;
}
