export interface BlobInfo {
  readonly id: string;
  /** Whom the blob belongs to, as given to `put`. */
  readonly owner: string;
  readonly bytes: number;
  /** SHA-256 of the bytes, in lower-case hexadecimal. */
  readonly sha256: string;
  /** When it was put, in milliseconds since 1970. */
  readonly createdAt: number;
}

/** Byte strings under names. Implementations pass `describeBlobs`. */
export interface Blobs {
  /**
   * Stores the bytes under `id` in place of what is there. Resolves once they survive a crash and a power loss. When
   * it rejects, because the source failed or with a `StoreError`, the blob is as it was before.
   */
  put(id: string, owner: string, source: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobInfo>;
  stat(id: string): Promise<BlobInfo | undefined>;
  /** The bytes; rejects when there is no such blob. */
  read(id: string): AsyncIterable<Uint8Array>;
  list(): AsyncIterable<BlobInfo>;
  /** Deleting what is not there is no error. */
  delete(id: string): Promise<void>;
}
