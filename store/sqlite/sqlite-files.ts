import { createHash } from 'node:crypto';
import { ulid } from 'ulid';
import type { ByteRange, FileBytes } from '../file-bytes.ts';
import { ROLLBACK_FILE_TYPE } from '../files.ts';
import type { FileRecord, Files, NewFile, ReceivedFile } from '../files.ts';
import { KeyedLock } from '../keyed-lock.ts';
import { StoreError } from '../store-error.ts';
import { asStoreFull } from './capacity.ts';
import type { Database } from './database.ts';

/**
 * `receiving`: bytes may be under the key, and are no file yet. `ready`: a file. `removing`: bytes may still be under
 * the key, and are to go.
 */
type State = 'receiving' | 'ready' | 'removing';

interface Row extends Omit<FileRecord, 'path'>, Record<string, unknown> {
  readonly state: State;
  readonly place: string;
  readonly key: string;
}

const COLUMNS = 'id, state, name, place, key, bytes, content_type AS contentType, md5, sha256, created_at AS createdAt';

/** Leaves room for an id in front: file systems take names of 255 bytes. */
const MAX_NAME_BYTES = 200;

/**
 * Records in SQLite, bytes in a folder or an object store. A key is recorded before anything is put to it and forgotten
 * after everything under it is gone, so that bytes without a file are always known and never taken for one.
 */
export class SqliteFiles implements Files {
  readonly #db: Database;
  readonly #places: ReadonlyMap<string, FileBytes>;
  readonly #target: FileBytes;
  readonly #lock = new KeyedLock();

  /** New files go to the last of `places`; those in the others can still be read and deleted. */
  constructor(db: Database, places: readonly [FileBytes, ...FileBytes[]]) {
    this.#db = db;
    this.#places = new Map(places.map((bytes) => [bytes.place, bytes]));
    this.#target = places.at(-1) ?? places[0];
  }

  receive(file: NewFile, source: AsyncIterable<Uint8Array>): Promise<ReceivedFile> {
    const id = `file-${ulid().toLowerCase()}`;
    return this.#lock.run(id, () => this.#receive(id, file, source));
  }

  get(id: string): Promise<FileRecord | undefined> {
    const row = this.#row(id, 'ready');
    return Promise.resolve(row && this.#toRecord(row));
  }

  list({ limit, offset }: { limit: number; offset: number }): Promise<{ total: number; records: FileRecord[] }> {
    const rows = this.#db
      .prepare(`SELECT ${COLUMNS} FROM file WHERE state = 'ready' ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`)
      .all(limit, offset) as Row[];
    return Promise.resolve({ total: this.totals().count, records: rows.map((row) => this.#toRecord(row)) });
  }

  async *read(id: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    const row = this.#row(id, 'ready');
    if (row === undefined) throw new Error(`there is no file ${id}`);
    yield* this.#bytesOf(row).read(row.key, range ?? { start: 0, end: row.bytes - 1 });
  }

  async delete(id: string, createdAt?: number): Promise<boolean> {
    const deleted = await this.#db.write(() => {
      if (createdAt !== undefined && this.#row(id, 'ready')?.createdAt !== createdAt) return false;
      return this.#setRemoving(id, 'ready');
    });
    // What fails here is tried again by `sweep`; the file is gone all the same.
    if (deleted) await this.#remove(id).catch(() => undefined);
    return deleted;
  }

  /** With `place`, only what is there. */
  async sweep(place?: string): Promise<void> {
    const rows = this.#db
      .prepare("SELECT id FROM file WHERE state = 'removing' AND place = coalesce(?, place)")
      .all(place ?? null) as { id: string }[];
    let failure: unknown;
    for (const { id } of rows) await this.#remove(id).catch((err: unknown) => (failure = err));
    if (failure !== undefined) throw failure as Error;
  }

  totals(): { count: number; bytes: number } {
    return this.#db
      .prepare("SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM file WHERE state = 'ready'")
      .get() as { count: number; bytes: number };
  }

  /** Resolves when nothing is being received or removed. */
  idle(): Promise<void> {
    return this.#lock.idle();
  }

  async #receive(id: string, { name, contentType }: NewFile, source: AsyncIterable<Uint8Array>): Promise<ReceivedFile> {
    checkName(name);
    const { place } = this.#target;
    const key = await this.#db.write(() => this.#claimKey(id, name, contentType, place)).catch(asFullStore);
    const received = { bytes: 0, md5: '', sha256: '' };
    try {
      await this.#target.put(key, this.#measure(source, received));
    } catch (err) {
      await this.#drop(id, received.bytes);
      throw err;
    }
    return {
      ...received,
      commit: () => this.#lock.run(id, () => this.#commit(id, received)),
      discard: () => this.#lock.run(id, () => this.#drop(id, received.bytes)),
    };
  }

  /** Counts and digests what passes; `received` is right to the byte at any time. */
  async *#measure(
    source: AsyncIterable<Uint8Array>,
    received: { bytes: number; md5: string; sha256: string },
  ): AsyncGenerator<Uint8Array> {
    const [md5, sha256] = [createHash('md5'), createHash('sha256')];
    for await (const part of source) {
      this.#target.room.reserve(part.length);
      Object.assign(received, { bytes: received.bytes + part.length });
      md5.update(part);
      sha256.update(part);
      yield part;
    }
    Object.assign(received, { md5: md5.digest('hex'), sha256: sha256.digest('hex') });
  }

  #claimKey(id: string, name: string, contentType: string, place: string): string {
    const taken = this.#db.prepare('SELECT 1 FROM file WHERE place = ? AND key = ? COLLATE NOCASE').get(place, name);
    const key = taken === undefined ? name : `${id}-${name}`;
    this.#db
      .prepare("INSERT INTO file VALUES (?, 'receiving', ?, ?, ?, 0, ?, '', '', ?)")
      .run(id, name, place, key, contentType, Date.now());
    return key;
  }

  async #commit(
    id: string,
    { bytes, md5, sha256 }: { bytes: number; md5: string; sha256: string },
  ): Promise<{ record: FileRecord; existed: boolean }> {
    const same = (): Row | undefined =>
      this.#db.prepare(`SELECT ${COLUMNS} FROM file WHERE sha256 = ? AND state = 'ready'`).get(sha256) as
        Row | undefined;
    try {
      const broken = await this.#findBroken(same());
      const row = await this.#db.write(() => {
        const known = same();
        if (known !== undefined) {
          if (known.contentType === ROLLBACK_FILE_TYPE) this.#takeOver(known.id, id);
          if (broken?.key === known.key) this.#exchangeBytes(known.id, id, bytes);
          return this.#row(known.id, 'ready');
        }
        this.#db
          .prepare("UPDATE file SET state = 'ready', bytes = ?, md5 = ?, sha256 = ?, created_at = ? WHERE id = ?")
          .run(bytes, md5, sha256, Date.now(), id);
        return this.#row(id, 'ready');
      });
      if (row === undefined) throw new Error(`${id} has been discarded`);
      const existed = row.id !== id;
      if (existed) {
        await this.#drop(id, bytes);
        await this.#removeNow(id).catch(() => undefined);
      }
      return { record: this.#toRecord(row), existed };
    } catch (err) {
      await this.#drop(id, bytes);
      throw asStoreFull(err);
    }
  }

  /** A file is given back if its bytes, which may be years old, are not what was once received. */
  async #findBroken(row: Row | undefined): Promise<Row | undefined> {
    if (row === undefined) return undefined;
    const sha256 = createHash('sha256');
    try {
      for await (const part of this.#bytesOf(row).read(row.key, { start: 0, end: row.bytes - 1 })) sha256.update(part);
    } catch (err) {
      // A place that cannot be asked now may have them.
      return err instanceof StoreError && err.code === 'BytesMissing' ? row : undefined;
    }
    return sha256.digest('hex') === row.sha256 ? undefined : row;
  }

  /** Makes a file that is nobody's that of a reception. */
  #takeOver(id: string, receivedId: string): void {
    const row = this.#row(receivedId, 'receiving');
    if (row === undefined) return;
    this.#db
      .prepare('UPDATE file SET name = ?, content_type = ?, created_at = ? WHERE id = ?')
      .run(row.name, row.contentType, Date.now(), id);
  }

  /** Gives a file the bytes that were just received, and what it had to the reception, which is then to be removed. */
  #exchangeBytes(id: string, receivedId: string, bytes: number): void {
    const place = (of: string): { place: string; key: string } =>
      this.#db.prepare('SELECT place, key FROM file WHERE id = ?').get(of) as { place: string; key: string };
    const move = this.#db.prepare('UPDATE file SET place = ?, key = ? WHERE id = ?');
    const [old, fresh] = [place(id), place(receivedId)];
    // No two rows have one key at any time.
    move.run(old.place, `${receivedId}/moving`, id);
    move.run(old.place, old.key, receivedId);
    move.run(fresh.place, fresh.key, id);
    this.#setRemoving(receivedId, 'receiving', bytes);
  }

  /**
   * Ends a reception. The bytes go first: on a full disk their room is what the record needs. What cannot be removed
   * now is left to `sweep`, or to the next start.
   */
  async #drop(id: string, bytes: number): Promise<void> {
    const row = this.#row(id, 'receiving');
    if (row === undefined) return;
    try {
      await this.#target.delete(row.key);
    } catch {
      await this.#db.write(() => this.#setRemoving(id, 'receiving', bytes)).catch(() => undefined);
      return;
    }
    this.#target.room.release(bytes);
    await this.#forget(id).catch(() => undefined);
  }

  #setRemoving(id: string, from: State, bytes?: number): boolean {
    const { changes } = this.#db
      .prepare("UPDATE file SET state = 'removing', bytes = coalesce(?, bytes) WHERE id = ? AND state = ?")
      .run(bytes ?? null, id, from);
    return changes === 1;
  }

  /** One after another for each key: when it is forgotten, another file may take it. */
  #remove(id: string): Promise<void> {
    return this.#lock.run(id, () => this.#removeNow(id));
  }

  async #removeNow(id: string): Promise<void> {
    const row = this.#row(id, 'removing');
    if (row === undefined) return;
    const bytes = this.#bytesOf(row);
    await bytes.delete(row.key);
    await this.#forget(id);
    bytes.room.release(row.bytes);
  }

  async #forget(id: string): Promise<void> {
    await this.#db.write(() => this.#db.prepare('DELETE FROM file WHERE id = ?').run(id));
  }

  #bytesOf({ id, place }: Row): FileBytes {
    const bytes = this.#places.get(place);
    if (bytes === undefined)
      throw new StoreError('StoreUnavailable', `the bytes of ${id} are in ${place}, which is not configured`);
    return bytes;
  }

  #row(id: string, state: State): Row | undefined {
    return this.#db.prepare(`SELECT ${COLUMNS} FROM file WHERE id = ? AND state = ?`).get(id, state) as Row | undefined;
  }

  #toRecord({ id, name, place, key, bytes, contentType, md5, sha256, createdAt }: Row): FileRecord {
    const path = this.#places.get(place)?.pathOf(key) ?? `${place}/${key}`;
    return { id, name, path, bytes, contentType, md5, sha256, createdAt };
  }
}

/** To be called before anything is received: what a dead process was receiving is to go. */
export function recoverFiles(db: Database): void {
  db.exec("UPDATE file SET state = 'removing' WHERE state = 'receiving'");
}

function checkName(name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0 || bytes > MAX_NAME_BYTES || name === '.' || name === '..' || /[/\0]/.test(name))
    throw new StoreError('InvalidName', 'not the name of a file');
}

function asFullStore(err: unknown): never {
  throw asStoreFull(err);
}
