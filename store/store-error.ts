/**
 * `StoreFull`: the store's size limit or the disk is reached; nothing of the call was kept, deleting tasks or
 * files makes room.
 * `ChunkOutOfOrder`: the number is beyond the next one; send from `next` on.
 * `StreamComplete`: the stream's final chunk is already there.
 * `ChunkInvalid`: the chunk is not what its stream holds (lines of a log, with growing ids).
 * `InvalidName`: a name that no task or blob can have.
 * `BytesMissing`: the bytes of a file are not there any more, or not all; uploading it again mends it.
 * `StoreUnavailable`: the object store does not answer as it should; trying again later may help.
 */
export type StoreErrorCode =
  | 'StoreFull'
  | 'ChunkOutOfOrder'
  | 'StreamComplete'
  | 'ChunkInvalid'
  | 'InvalidName'
  | 'BytesMissing'
  | 'StoreUnavailable';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  /** For `ChunkOutOfOrder` and `StreamComplete`: the number of the next chunk. */
  readonly next: number | undefined;

  constructor(code: StoreErrorCode, message: string, options: ErrorOptions & { next?: number } = {}) {
    super(message, options);
    this.code = code;
    this.next = options.next;
  }
}
