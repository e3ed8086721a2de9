import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileBytes } from '../file-bytes.ts';
import type { Store } from '../store.ts';
import { Capacity } from './capacity.ts';
import { Database } from './database.ts';
import { freeAboveReserve } from './disk-reserve.ts';
import { FolderFileBytes } from './folder-file-bytes.ts';
import { recoverBlobs, SqliteBlobs } from './sqlite-blobs.ts';
import { recoverFiles, SqliteFiles } from './sqlite-files.ts';
import { SqliteAudit } from './sqlite-audit.ts';
import type { AuditBounds } from './sqlite-audit.ts';
import { SqliteIdempotencyKeys } from './sqlite-idempotency-keys.ts';
import { SqliteSyncLogs } from './sqlite-sync-logs.ts';
import { recoverStreams, SqliteTaskStreams } from './sqlite-task-streams.ts';

export interface SqliteStoreOptions {
  /** The folder that holds everything; made when it is not there. One process at a time may have it open. */
  readonly folder: string;
  /** How many bytes of logs, results, blobs and files may be held in the folder. */
  readonly maxBytes: number;
  /** Where the bytes of new files go, instead of the folder. Closed with the store. */
  readonly fileBytes?: FileBytes;
  /** How much of the audit trail is kept; `DEFAULT_AUDIT_BOUNDS` unless given. */
  readonly audit?: AuditBounds;
}

/** The embedded store: an index in SQLite, the bytes in files beside it. */
export class SqliteStore implements Store {
  readonly streams: SqliteTaskStreams;
  readonly blobs: SqliteBlobs;
  readonly files: SqliteFiles;
  readonly idempotencyKeys: SqliteIdempotencyKeys;
  readonly syncLogs: SqliteSyncLogs;
  readonly audit: SqliteAudit;
  readonly usage: Capacity;
  readonly #db: Database;
  readonly #fileBytes: FileBytes | undefined;

  private constructor(
    db: Database,
    folders: { streams: string; blobs: string; files: string },
    { folder: own, maxBytes, fileBytes, audit }: SqliteStoreOptions,
  ) {
    this.#db = db;
    this.#fileBytes = fileBytes;
    this.usage = new Capacity(maxBytes, usedBytes(db), () => freeAboveReserve(folders.streams));
    this.streams = new SqliteTaskStreams(db, folders.streams, this.usage);
    this.blobs = new SqliteBlobs(db, folders.blobs, this.usage);
    const folder = new FolderFileBytes(folders.files, this.usage);
    this.files = new SqliteFiles(db, fileBytes === undefined ? [folder] : [folder, fileBytes]);
    this.idempotencyKeys = new SqliteIdempotencyKeys(db, secretOf(db));
    this.syncLogs = new SqliteSyncLogs(db);
    this.audit = new SqliteAudit(join(own, 'audit.db'), audit);
  }

  /** Opens the store and cuts back what a crash left half-written. */
  static async open(options: SqliteStoreOptions): Promise<SqliteStore> {
    const { folder } = options;
    const folders = { streams: join(folder, 'streams'), blobs: join(folder, 'blobs'), files: join(folder, 'files') };
    for (const path of Object.values(folders)) await mkdir(path, { recursive: true, mode: 0o700 });
    const db = new Database(join(folder, 'store.db'));
    await recoverStreams(db, folders.streams, await readdir(folders.streams));
    await recoverBlobs(db, folders.blobs, await readdir(folders.blobs));
    recoverFiles(db);
    const store = new SqliteStore(db, folders, options);
    // Not what is in an object store, which may be away for now: that is no reason not to start.
    await store.files.sweep('folder').catch(() => undefined);
    return store;
  }

  async close(): Promise<void> {
    await Promise.all([this.streams.idle(), this.blobs.idle(), this.files.idle()]);
    await this.#fileBytes?.close();
    await this.audit.close();
    this.#db.close();
  }
}

function usedBytes(db: Database): number {
  const row = db
    .prepare(
      `SELECT (SELECT total(bytes) FROM stream) + (SELECT total(bytes) FROM blob)
        + (SELECT total(bytes) FROM file WHERE place = 'folder') AS bytes`,
    )
    .get() as { bytes: number };
  return row.bytes;
}

/** The key of the digests: made once, kept with the store. */
function secretOf(db: Database): Uint8Array {
  db.prepare("INSERT OR IGNORE INTO secret (name, value) VALUES ('idempotency', ?)").run(randomBytes(32));
  const row = db.prepare("SELECT value FROM secret WHERE name = 'idempotency'").get() as { value: Uint8Array };
  return row.value;
}
