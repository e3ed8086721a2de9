import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobInfo, Blobs } from '../blobs.ts';
import { KeyedLock } from '../keyed-lock.ts';
import { StoreError } from '../store-error.ts';
import { asStoreFull } from './capacity.ts';
import type { Capacity } from './capacity.ts';
import type { Database } from './database.ts';
import { syncDirectory } from './durable-file.ts';

type Row = BlobInfo & { file: string };

const COLUMNS = 'id, owner, file, bytes, sha256, created_at AS createdAt';

/** One file a blob, under a random name that the SQLite row tells: a put is complete when its row is. */
export class SqliteBlobs implements Blobs {
  readonly #db: Database;
  readonly #folder: string;
  readonly #capacity: Capacity;
  readonly #lock = new KeyedLock();

  constructor(db: Database, folder: string, capacity: Capacity) {
    this.#db = db;
    this.#folder = folder;
    this.#capacity = capacity;
  }

  put(id: string, owner: string, source: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    if (!/^[\w.:-]{1,253}$/.test(id)) throw new StoreError('InvalidName', 'not the id of a blob');
    return this.#lock.run(id, () => this.#put(id, owner, source));
  }

  stat(id: string): Promise<BlobInfo | undefined> {
    const row = this.#row(id);
    return Promise.resolve(row && toInfo(row));
  }

  async *read(id: string): AsyncGenerator<Uint8Array> {
    const row = this.#row(id);
    if (row === undefined) throw new Error(`there is no blob ${id}`);
    if (row.bytes > 0) yield* createReadStream(join(this.#folder, row.file)) as AsyncIterable<Buffer>;
  }

  async *list(): AsyncGenerator<BlobInfo> {
    const page = this.#db.prepare(`SELECT ${COLUMNS} FROM blob WHERE id > ? ORDER BY id LIMIT 1000`);
    for (let last = ''; ;) {
      const rows = page.all(last) as unknown as Row[];
      yield* rows.map(toInfo);
      const end = rows.at(-1);
      if (end === undefined) return;
      last = end.id;
    }
  }

  delete(id: string): Promise<void> {
    return this.#lock.run(id, async () => {
      const row = this.#row(id);
      if (row === undefined) return;
      await this.#db.write(() => this.#db.prepare('DELETE FROM blob WHERE id = ?').run(id));
      await this.#drop(row);
    });
  }

  /** Resolves when no put or deletion is under way. */
  idle(): Promise<void> {
    return this.#lock.idle();
  }

  async #put(id: string, owner: string, source: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    const before = this.#row(id);
    const file = randomBytes(16).toString('hex');
    const written = { bytes: 0, sha256: '' };
    try {
      await this.#write(file, source instanceof Uint8Array ? [source] : source, written);
      const row: Row = { id, owner, file, ...written, createdAt: Date.now() };
      await this.#db.write(() =>
        this.#db
          .prepare('INSERT OR REPLACE INTO blob (id, owner, file, bytes, sha256, created_at) VALUES (?, ?, ?, ?, ?, ?)')
          .run(id, owner, file, row.bytes, row.sha256, row.createdAt),
      );
      if (before !== undefined) await this.#drop(before);
      return toInfo(row);
    } catch (err) {
      await this.#drop({ file, bytes: written.bytes });
      throw asStoreFull(err);
    }
  }

  async #write(
    file: string,
    source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    written: { bytes: number; sha256: string },
  ): Promise<void> {
    const hash = createHash('sha256');
    const handle = await open(join(this.#folder, file), 'wx', 0o600);
    try {
      for await (const part of source) {
        this.#capacity.reserve(part.length);
        written.bytes += part.length;
        hash.update(part);
        await handle.appendFile(part);
      }
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await syncDirectory(this.#folder);
    written.sha256 = hash.digest('hex');
  }

  async #drop({ file, bytes }: { file: string; bytes: number }): Promise<void> {
    this.#capacity.release(bytes);
    await rm(join(this.#folder, file), { force: true });
  }

  #row(id: string): Row | undefined {
    return this.#db.prepare(`SELECT ${COLUMNS} FROM blob WHERE id = ?`).get(id) as Row | undefined;
  }
}

/** Removes files of puts that a crash cut short. */
export async function recoverBlobs(db: Database, folder: string, entries: readonly string[]): Promise<void> {
  const files = new Set((db.prepare('SELECT file FROM blob').all() as { file: string }[]).map(({ file }) => file));
  for (const entry of entries) if (!files.has(entry)) await rm(join(folder, entry), { force: true });
}

function toInfo({ file: _file, ...info }: Row): BlobInfo {
  return info;
}
