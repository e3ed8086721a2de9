import { randomUUID } from 'node:crypto';
import { accessSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { PositionLostError, SourceError } from '../../source.ts';
import { splitPath } from './file-version.ts';
import type { FileVersion } from './file-version.ts';

/**
 * What a consumer was told of a path; undefined: something, but not surely what. Nothing of a path that it was never told of,
 * or told that it is gone.
 */
export interface ToldPath {
  readonly isDir: boolean;
  readonly version: FileVersion | undefined;
}

/** A position of the fs source: which index, and the number of the last entry that it stands for. */
export interface FilePosition {
  readonly [key: string]: unknown;
  readonly index: string;
  readonly at: number;
}

const SCHEMA = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE told (
  dir TEXT NOT NULL, name TEXT NOT NULL, is_dir INTEGER NOT NULL,
  size REAL NOT NULL, mtime REAL NOT NULL, ctime REAL NOT NULL, ino REAL, PRIMARY KEY (dir, name)
) WITHOUT ROWID;`;
const FORMAT = '1';

type Row = [name: string, isDir: number, size: number, mtime: number, ctime: number, ino: number | null];

const VERSION = 'name, is_dir, size, mtime, ctime, ino';

/**
 * What the consumer of one SyncTask knows of a folder, on disk: files have no log, so what happened while nobody watched is the
 * difference between this and the folder. A path is marked uncertain before it is told of, and settled when the consumer has
 * surely got it: a process that dies in between tells of it again, and never forgets that a consumer may have it.
 *
 * Commits are not flushed (the consumer waits for them), so what was written last may be lost with the machine, though not with
 * the process: an index that was not closed and whose machine was started anew since is not used.
 */
export class FileIndex {
  readonly id: string;
  readonly #db: DatabaseSync;
  readonly #put: StatementSync;
  readonly #doubt: StatementSync;
  readonly #remove: StatementSync;
  readonly #get: StatementSync;
  readonly #children: StatementSync;
  readonly #between: StatementSync;
  #told: number;
  #inTransaction = false;

  /** A new index in which nothing was told, in place of any other. */
  static create(file: string, root: string, rootIno: number, told: number): FileIndex {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${suffix}`, { force: true });
    const db = openDatabase(file);
    db.exec(`BEGIN; ${SCHEMA}`);
    const meta = { format: FORMAT, id: randomUUID(), root, rootIno: String(rootIno), told: String(told) };
    for (const [key, value] of Object.entries(meta)) setMeta(db, key, value);
    db.exec('COMMIT');
    return new FileIndex(db);
  }

  /** The index that a position is of. Throws a `PositionLostError` when it cannot be gone on from there. */
  static open(file: string, root: string, rootIno: number, position: FilePosition): FileIndex {
    let db: DatabaseSync | undefined;
    try {
      accessSync(file);
      db = openDatabase(file);
      const why = whyLost(db, root, rootIno, position);
      if (why !== undefined) throw new PositionLostError(why);
      return new FileIndex(db);
    } catch (err) {
      db?.close();
      if (err instanceof PositionLostError || err instanceof SourceError) throw err;
      throw new PositionLostError(`what the consumer knows of ${root} is not kept here: ${String(err)}`);
    }
  }

  private constructor(db: DatabaseSync) {
    this.#db = db;
    this.id = getMeta(db, 'id') ?? '';
    this.#told = Number(getMeta(db, 'told'));
    // From here on the index is in use. This must be on disk before anything is told.
    db.exec('PRAGMA synchronous = FULL');
    setMeta(db, 'boot', bootId());
    db.exec('PRAGMA synchronous = OFF');
    const values = 'SET is_dir = excluded.is_dir, size = excluded.size, mtime = excluded.mtime, ctime = excluded.ctime';
    this.#put = db.prepare(
      `INSERT INTO told VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE ${values}, ino = excluded.ino`,
    );
    // It may have been a folder: what was told below it is found by that.
    this.#doubt = db.prepare(
      `INSERT INTO told VALUES (?, ?, ?, 0, 0, 0, NULL) ON CONFLICT DO UPDATE SET is_dir = is_dir | excluded.is_dir, ino = NULL`,
    );
    this.#remove = db.prepare('DELETE FROM told WHERE dir = ? AND name = ?');
    this.#get = asArrays(db.prepare(`SELECT ${VERSION} FROM told WHERE dir = ? AND name = ?`));
    this.#children = asArrays(db.prepare(`SELECT ${VERSION} FROM told WHERE dir = ?`));
    this.#between = asArrays(db.prepare(`SELECT ${VERSION} FROM told WHERE dir = ? AND name BETWEEN ? AND ?`));
  }

  /** The number of the last entry that is settled. */
  get told(): number {
    return this.#told;
  }

  get(path: string): ToldPath | undefined {
    const { dir, name } = splitPath(path);
    const row = this.#get.get(dir, name) as Row | undefined;
    return row && toldOf(row);
  }

  /** What was told of the entries of a folder, by name. */
  children(dir: string): Map<string, ToldPath> {
    return byName(this.#children.all(dir) as unknown as Row[]);
  }

  /** Like `children`, of the names from one to another. */
  childrenBetween(dir: string, first: string, last: string): Map<string, ToldPath> {
    return byName(this.#between.all(dir, first, last) as unknown as Row[]);
  }

  /** Folders below which something was told, though of themselves nothing was, or that they are gone. */
  *strayFolders(): Generator<string> {
    const next = this.#db.prepare('SELECT min(dir) AS dir FROM told WHERE dir > ?');
    for (let dir = ''; ;) {
      const row = next.get(dir) as { dir: string | null };
      if (row.dir === null) return;
      ({ dir } = row as { dir: string });
      if (this.get(dir)?.isDir !== true) yield dir;
    }
  }

  get size(): number {
    return (this.#db.prepare('SELECT count(*) AS n FROM told').get() as { n: number }).n;
  }

  /** The consumer knows this version of the path. */
  put(path: string, version: FileVersion): void {
    const { dir, name } = splitPath(path);
    this.#begin();
    this.#put.run(dir, name, Number(version.isDir), version.size, version.mtimeMs, version.ctimeMs, version.ino);
  }

  /** The consumer may know the path, or not, or know that it is gone. */
  doubt(path: string, isDir: boolean): void {
    const { dir, name } = splitPath(path);
    this.#begin();
    this.#doubt.run(dir, name, Number(isDir));
  }

  /** The consumer knows that the path is gone. */
  remove(path: string): void {
    const { dir, name } = splitPath(path);
    this.#begin();
    this.#remove.run(dir, name);
  }

  /** All up to this entry is settled. */
  setTold(at: number): void {
    if (at <= this.#told) return;
    this.#begin();
    this.#told = at;
    setMeta(this.#db, 'told', String(at));
  }

  /** Makes the changes since the last call outlive the process. */
  commit(): void {
    if (!this.#inTransaction) return;
    this.#inTransaction = false;
    this.#db.exec('COMMIT');
  }

  close(): void {
    this.commit();
    this.#db.exec('PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)');
    // Only now, for it says that all else is on disk.
    setMeta(this.#db, 'boot', '');
    this.#db.close();
  }

  #begin(): void {
    if (this.#inTransaction) return;
    this.#inTransaction = true;
    this.#db.exec('BEGIN');
  }
}

function openDatabase(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    // Exclusive: a second process or thread that has the same index must not tell the consumer of things.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    db.exec('BEGIN IMMEDIATE; COMMIT');
    return db;
  } catch (err) {
    db.close();
    if (/locked|busy/i.test(String(err)))
      throw new SourceError('IndexInUse', `the index ${file} is in use by another run of this sync`, {
        retryable: true,
      });
    throw err;
  }
}

function whyLost(db: DatabaseSync, root: string, rootIno: number, position: FilePosition): string | undefined {
  if (getMeta(db, 'format') !== FORMAT) return `the index of ${root} was written by another version`;
  if (getMeta(db, 'id') !== position.index) return `the index of ${root} is not the one that the checkpoint is of`;
  if (getMeta(db, 'root') !== root) return `the index is of ${getMeta(db, 'root') ?? 'no folder'}, not of ${root}`;
  if (getMeta(db, 'rootIno') !== String(rootIno)) return `another folder than before is at ${root}`;
  const boot = getMeta(db, 'boot');
  if (boot !== '' && boot !== bootId())
    return `this host was started anew while ${root} was watched: what its consumer was told last is not known`;
  if (Number(getMeta(db, 'told')) > position.at)
    return `the consumer of ${root} is behind what it said that it has: changes of files cannot be told again`;
  return undefined;
}

/** Changes with each start of the machine. */
function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function getMeta(db: DatabaseSync, key: string): string | undefined {
  return (db.prepare('SELECT value FROM meta WHERE key = ?').get(key) as { value: string } | undefined)?.value;
}

function setMeta(db: DatabaseSync, key: string, value: string): void {
  db.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value').run(key, value);
}

function asArrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}

function toldOf([, isDir, size, mtimeMs, ctimeMs, ino]: Row): ToldPath {
  return {
    isDir: isDir !== 0,
    version: ino === null ? undefined : { isDir: isDir !== 0, size, mtimeMs, ctimeMs, ino },
  };
}

function byName(rows: readonly Row[]): Map<string, ToldPath> {
  return new Map(rows.map((row) => [row[0], toldOf(row)]));
}
