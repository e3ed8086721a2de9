import type { ByteRange } from './file-bytes.ts';

/** The type of files that the API makes of rollbacks. They are nobody's, until somebody uploads the same bytes. */
export const ROLLBACK_FILE_TYPE = 'application/vnd.tiangong.rollback+sql';

/** An uploaded file. Its id and its bytes never change. */
export interface FileRecord {
  /** `file-<ULID>`. */
  readonly id: string;
  readonly name: string;
  /** Where the bytes are. Of two files with one name, the later has its id in front. */
  readonly path: string;
  readonly bytes: number;
  readonly contentType: string;
  /** Digests of the bytes, in lower-case hexadecimal. */
  readonly md5: string;
  readonly sha256: string;
  /** When its upload was complete, in milliseconds since 1970. */
  readonly createdAt: number;
}

export interface NewFile {
  /** One that can be a file's name: `cleanFileName` of the api makes it. */
  readonly name: string;
  readonly contentType: string;
}

/** Bytes that have been received and are no file yet. Exactly one of its methods is to be called, once. */
export interface ReceivedFile {
  readonly bytes: number;
  readonly md5: string;
  readonly sha256: string;
  /**
   * Makes a file of the bytes. Resolves once that survives a crash, with the new record, or with the one that is there
   * already with the same SHA-256; the new bytes are then dropped. One of `ROLLBACK_FILE_TYPE` that is there becomes what
   * was received: its name, type and time are then new.
   */
  commit(): Promise<{ readonly record: FileRecord; readonly existed: boolean }>;
  discard(): Promise<void>;
}

/** The uploaded files. Implementations pass `describeFiles`. */
export interface Files {
  /**
   * Stores bytes as they come; none are kept in memory. When it rejects, because the source failed or with a
   * `StoreError`, nothing is left of them; what a crash leaves is removed at the next start.
   */
  receive(file: NewFile, source: AsyncIterable<Uint8Array>): Promise<ReceivedFile>;
  get(id: string): Promise<FileRecord | undefined>;
  /** Newest first. `total`: how many there are on all pages. */
  list(page: { limit: number; offset: number }): Promise<{ total: number; records: readonly FileRecord[] }>;
  /** All bytes, or those of a range; rejects when they are not all there. A deletion meanwhile may end it so. */
  read(id: string, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** Resolves with whether there was such a file. `createdAt`: only if it has not become another's since. Bytes that cannot be removed now are left to `sweep`. */
  delete(id: string, createdAt?: number): Promise<boolean>;
  /** Removes the bytes that failed uploads and deletions left behind. Rejects when some still cannot be. */
  sweep(): Promise<void>;
  /** How many files there are, and the sum of their bytes. */
  totals(): { readonly count: number; readonly bytes: number };
}
