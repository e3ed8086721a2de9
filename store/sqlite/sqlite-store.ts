import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../store.ts';
import { Capacity } from './capacity.ts';
import { Database } from './database.ts';
import { freeAboveReserve } from './disk-reserve.ts';
import { recoverBlobs, SqliteBlobs } from './sqlite-blobs.ts';
import { SqliteIdempotencyKeys } from './sqlite-idempotency-keys.ts';
import { recoverStreams, SqliteTaskStreams } from './sqlite-task-streams.ts';

export interface SqliteStoreOptions {
  /** The folder that holds everything; made when it is not there. One process at a time may have it open. */
  readonly folder: string;
  /** How many bytes of logs, results and blobs may be held. */
  readonly maxBytes: number;
}

/** The embedded store: an index in SQLite, the bytes in files beside it. */
export class SqliteStore implements Store {
  readonly streams: SqliteTaskStreams;
  readonly blobs: SqliteBlobs;
  readonly idempotencyKeys: SqliteIdempotencyKeys;
  readonly usage: Capacity;
  readonly #db: Database;

  private constructor(db: Database, folders: { streams: string; blobs: string }, maxBytes: number) {
    this.#db = db;
    this.usage = new Capacity(maxBytes, usedBytes(db), () => freeAboveReserve(folders.streams));
    this.streams = new SqliteTaskStreams(db, folders.streams, this.usage);
    this.blobs = new SqliteBlobs(db, folders.blobs, this.usage);
    this.idempotencyKeys = new SqliteIdempotencyKeys(db, secretOf(db));
  }

  /** Opens the store and cuts back what a crash left half-written. */
  static async open({ folder, maxBytes }: SqliteStoreOptions): Promise<SqliteStore> {
    const folders = { streams: join(folder, 'streams'), blobs: join(folder, 'blobs') };
    for (const path of Object.values(folders)) await mkdir(path, { recursive: true, mode: 0o700 });
    const db = new Database(join(folder, 'store.db'));
    await recoverStreams(db, folders.streams, await readdir(folders.streams));
    await recoverBlobs(db, folders.blobs, await readdir(folders.blobs));
    return new SqliteStore(db, folders, maxBytes);
  }

  async close(): Promise<void> {
    await Promise.all([this.streams.idle(), this.blobs.idle()]);
    this.#db.close();
  }
}

function usedBytes(db: Database): number {
  const row = db
    .prepare('SELECT (SELECT total(bytes) FROM stream) + (SELECT total(bytes) FROM blob) AS bytes')
    .get() as { bytes: number };
  return row.bytes;
}

/** The key of the digests: made once, kept with the store. */
function secretOf(db: Database): Uint8Array {
  db.prepare("INSERT OR IGNORE INTO secret (name, value) VALUES ('idempotency', ?)").run(randomBytes(32));
  const row = db.prepare("SELECT value FROM secret WHERE name = 'idempotency'").get() as { value: Uint8Array };
  return row.value;
}
