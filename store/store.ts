import type { Audit } from './audit.ts';
import type { Blobs } from './blobs.ts';
import type { Files } from './files.ts';
import type { IdempotencyKeys } from './idempotency-keys.ts';
import type { SyncLogs } from './sync-logs.ts';
import type { TaskStreams } from './task-streams.ts';

/** What does not fit into a custom resource. Only the api opens it (design.md §2). */
export interface Store {
  readonly streams: TaskStreams;
  readonly blobs: Blobs;
  readonly files: Files;
  readonly idempotencyKeys: IdempotencyKeys;
  readonly syncLogs: SyncLogs;
  readonly audit: Audit;
  /** Bytes held now, and how many may be held. */
  readonly usage: { readonly usedBytes: number; readonly maxBytes: number };
  /** Waits for what is under way and frees files; calls after it reject. */
  close(): Promise<void>;
}
