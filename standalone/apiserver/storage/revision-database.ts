import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';

/** What a revision did to its object. The numbers are stored. */
export const CREATED = 0;
export const UPDATED = 1;
export const DELETED = 2;
export type RevisionType = typeof CREATED | typeof UPDATED | typeof DELETED;

/** One write: the row that it becomes. Kept small because it crosses to the writer's thread. */
export interface RevisionRow {
  readonly revision: number;
  /** `<group>/<plural>/<namespace>/<name>`, without the namespace for cluster-wide kinds. */
  readonly key: string;
  readonly type: RevisionType;
  /** The revision of the same object that this one follows; 0 for a create. */
  readonly previous: number;
  /** The object as JSON text with its new resourceVersion; for a delete its last state. */
  readonly value: string;
}

/**
 * Every write is a row and is never changed: the newest row of a key is the object, the rows in order are the history
 * that watches go on from, and a list as of an older revision is a list over older rows. Compaction drops rows that
 * were superseded before its revision, so a row's predecessor is there for as long as the row is history.
 *
 * Revisions of a new database begin at the time in seconds: a client that comes with a version from before the data was
 * wiped is then told that it is too old, instead of going on in a history that is not its own.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS revisions (
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    type INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    value TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS revisions_by_key ON revisions (key, revision, type);
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT OR IGNORE INTO meta VALUES ('compacted', unixepoch()), ('schema', 1);
`;

/** Opens the connection that writes and brings a new file into shape. */
function openForWriting(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  // FULL: a commit returns only when the log is on the disk, so that power loss takes no acknowledged write.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;');
  database.exec('PRAGMA journal_size_limit = 67108864; PRAGMA busy_timeout = 5000;');
  database.exec(SCHEMA);
  const { value } = database.prepare(`SELECT value FROM meta WHERE name = 'schema'`).get() as { value: number };
  if (value !== 1) throw new Error(`${file} has schema ${value}, which is newer than this program knows`);
  return database;
}

/** Applies batches of writes, each in one transaction. Runs in the writer's thread. */
export class RevisionWriter {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #dropSuperseded: StatementSync;
  readonly #dropTombstones: StatementSync;
  readonly #setCompacted: StatementSync;
  #compacted: number;

  constructor(file: string) {
    const database = openForWriting(file);
    this.#database = database;
    this.#insert = database.prepare('INSERT INTO revisions VALUES (?, ?, ?, ?, ?)');
    this.#dropSuperseded = database.prepare(
      'DELETE FROM revisions WHERE revision IN (SELECT previous FROM revisions WHERE revision > ? AND revision <= ? AND previous > 0)',
    );
    this.#dropTombstones = database.prepare(
      `DELETE FROM revisions WHERE revision > ? AND revision <= ? AND type = ${DELETED}`,
    );
    this.#setCompacted = database.prepare(`UPDATE meta SET value = ? WHERE name = 'compacted'`);
    const row = database.prepare(`SELECT value FROM meta WHERE name = 'compacted'`).get() as { value: number };
    this.#compacted = row.value;
  }

  /** Returns when all rows are durable. Throws when none of them was written. */
  apply(rows: readonly RevisionRow[], compactTo: number): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const { revision, key, type, previous, value } of rows)
        this.#insert.run(revision, key, type, previous, value);
      if (compactTo > this.#compacted) {
        this.#dropSuperseded.run(this.#compacted, compactTo);
        this.#dropTombstones.run(this.#compacted, compactTo);
        this.#setCompacted.run(compactTo);
      }
      this.#database.exec('COMMIT');
    } catch (err) {
      // SQLite itself rolls back on some errors (a full disk); then there is nothing left to roll back.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw err;
    }
    this.#compacted = Math.max(this.#compacted, compactTo);
  }

  /** Bounds the size of the file, in pages; a write beyond it fails as on a full disk. */
  limitPages(pages: number): void {
    this.#database.exec(`PRAGMA max_page_count = ${Math.trunc(pages)}`);
  }

  close(): void {
    this.#database.close();
  }
}
