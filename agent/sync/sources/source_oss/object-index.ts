import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { PositionLostError } from '../../source.ts';
import type { ListedObject } from './bucket.ts';

/** A state of an object, short: undefined where it is not known what the consumer was told. */
export type ObjectState = string | undefined;

const SCHEMA = `
PRAGMA journal_mode = WAL;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE told (key TEXT PRIMARY KEY, state TEXT) WITHOUT ROWID;`;

/** What the listing says of an object, in one text. */
export function stateOf({ etag, size, modified }: ListedObject): string {
  return `${etag} ${String(size)} ${String(modified)}`;
}

/**
 * What the consumer of one SyncTask knows of a bucket, on disk: buckets have no log, so what has happened is the difference between
 * this and a listing. An object is marked before its consumer is told of it and settled when the consumer has it: a process that dies
 * in between tells of it again, and never forgets that a consumer may have it.
 */
export class ObjectIndex {
  readonly id: string;
  readonly #db: DatabaseSync;
  readonly #range: StatementSync;
  readonly #find: StatementSync;
  readonly #mark: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #setTold: StatementSync;
  #told: number;

  /** A new index, in place of any other. `told`: below all indexes of its entries. */
  static create(file: string, place: string, told: number): ObjectIndex {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
    const db = new DatabaseSync(file);
    db.exec(SCHEMA);
    const insert = db.prepare('INSERT INTO meta VALUES (?, ?)');
    for (const [key, value] of Object.entries({ id: randomUUID(), place, told: String(told) })) insert.run(key, value);
    return new ObjectIndex(db);
  }

  /** The index that a position is of. Throws a `PositionLostError` when it cannot be gone on from there. */
  static open(file: string, place: string, position: Readonly<Record<string, unknown>>): ObjectIndex {
    if (!existsSync(file)) throw new PositionLostError(`what the consumer knows of ${place} is not kept here`);
    const db = new DatabaseSync(file);
    try {
      const index = new ObjectIndex(db);
      if (index.id !== position['objects'] || metaOf(db, 'place') !== place)
        throw new PositionLostError(`what is kept here of ${place} is of another time`);
      // It was told of more than this consumer now has.
      if (Number(position['at']) < index.#told) throw new PositionLostError(`the consumer of ${place} was put back`);
      return index;
    } catch (err) {
      db.close();
      if (err instanceof PositionLostError) throw err;
      throw new PositionLostError(`what the consumer knows of ${place} cannot be read: ${String(err)}`);
    }
  }

  private constructor(db: DatabaseSync) {
    this.#db = db;
    this.id = metaOf(db, 'id');
    this.#told = Number(metaOf(db, 'told'));
    // A mark must be on disk before a consumer is told.
    db.exec('PRAGMA synchronous = FULL');
    this.#range = db.prepare(
      'SELECT key, state FROM told WHERE key > ?1 AND (?2 IS NULL OR key <= ?2) ORDER BY key LIMIT ?3',
    );
    this.#find = db.prepare('SELECT 1 FROM told WHERE key = ?');
    this.#mark = db.prepare('INSERT INTO told VALUES (?, NULL) ON CONFLICT DO UPDATE SET state = NULL');
    this.#put = db.prepare('INSERT INTO told VALUES (?1, ?2) ON CONFLICT DO UPDATE SET state = ?2');
    this.#remove = db.prepare('DELETE FROM told WHERE key = ?');
    this.#setTold = db.prepare(`UPDATE meta SET value = ? WHERE key = 'told'`);
  }

  /** The first `most` objects behind one key and up to another (undefined: to the end), in the order of their keys. */
  between(after: string, upTo: string | undefined, most: number): Map<string, ObjectState> {
    const rows = this.#range.all(after, upTo ?? null, most) as { key: string; state: string | null }[];
    return new Map(rows.map(({ key, state }) => [key, state ?? undefined]));
  }

  has(key: string): boolean {
    return this.#find.get(key) !== undefined;
  }

  /** The consumer may be told of them from now on. */
  mark(keys: readonly string[]): void {
    if (keys.length === 0) return;
    this.#write(() => {
      for (const key of keys) this.#mark.run(key);
    });
  }

  /** The consumer has all up to an entry's index; of these objects it knows the states, or, without one, that they are gone. */
  settle(told: number, states: Iterable<readonly [key: string, state: ObjectState]>): void {
    this.#told = Math.max(this.#told, told);
    this.#write(() => {
      for (const [key, state] of states)
        if (state === undefined) this.#remove.run(key);
        else this.#put.run(key, state);
      this.#setTold.run(String(this.#told));
    });
  }

  close(): void {
    this.#db.close();
  }

  #write(change: () => void): void {
    this.#db.exec('BEGIN');
    try {
      change();
      this.#db.exec('COMMIT');
    } catch (err) {
      this.#db.exec('ROLLBACK');
      throw err;
    }
  }
}

function metaOf(db: DatabaseSync, key: string): string {
  const row = db.prepare('SELECT value FROM meta WHERE key = ?').get(key) as { value: string } | undefined;
  if (row === undefined) throw new Error(`the index lacks its ${key}`);
  return row.value;
}
