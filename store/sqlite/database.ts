import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stream (
  uid TEXT NOT NULL, epoch INTEGER NOT NULL, name TEXT NOT NULL,
  next INTEGER NOT NULL, bytes INTEGER NOT NULL, complete INTEGER NOT NULL,
  last_line INTEGER NOT NULL, last_mark INTEGER NOT NULL, created_at INTEGER NOT NULL,
  PRIMARY KEY (uid, epoch, name)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mark (
  uid TEXT NOT NULL, epoch INTEGER NOT NULL, after_line INTEGER NOT NULL, offset INTEGER NOT NULL,
  PRIMARY KEY (uid, epoch, after_line)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blob (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, file TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
  created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (
  id TEXT PRIMARY KEY, state TEXT NOT NULL, name TEXT NOT NULL, place TEXT NOT NULL, key TEXT NOT NULL,
  bytes INTEGER NOT NULL, content_type TEXT NOT NULL, md5 TEXT NOT NULL, sha256 TEXT NOT NULL,
  created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS file_key ON file (place, key COLLATE NOCASE);
CREATE UNIQUE INDEX IF NOT EXISTS file_sha256 ON file (sha256) WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS file_age ON file (created_at, id) WHERE state = 'ready';
CREATE TABLE IF NOT EXISTS idempotency_key (
  scope TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, name TEXT NOT NULL, confirmed INTEGER NOT NULL,
  created_at INTEGER NOT NULL, PRIMARY KEY (scope, key)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idempotency_key_age ON idempotency_key (created_at);
CREATE TABLE IF NOT EXISTS sync_log (
  line INTEGER PRIMARY KEY AUTOINCREMENT, ts TEXT NOT NULL, level TEXT NOT NULL, source TEXT NOT NULL,
  msg TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sync_log_sender (
  sender TEXT PRIMARY KEY, last INTEGER NOT NULL, seen_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
`;

interface Job {
  readonly work: () => void;
  readonly committed: () => void;
  readonly failed: (err: unknown) => void;
}

export interface DatabaseOptions {
  /** Statements that make the tables; those of the store unless given. */
  readonly schema?: string;
  /** `FULL`: a write survives the machine's end too. `NORMAL`: that of the process. `FULL` unless given. */
  readonly synchronous?: 'FULL' | 'NORMAL';
}

/** An SQLite file of the store. Writes that come at about the same time share one transaction and so one fsync. */
export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #jobs: Job[] = [];

  constructor(file: string, { schema = SCHEMA, synchronous = 'FULL' }: DatabaseOptions = {}) {
    // SQLite itself would let everybody read it; its journal gets the same mode.
    closeSync(openSync(file, 'a', 0o600));
    this.#db = new DatabaseSync(file);
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA busy_timeout = 5000;`);
    this.#db.exec(schema);
  }

  /** The prepared statement of an SQL text, which must be a constant. */
  prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /** Runs `work`, which must not wait for anything, in a transaction; resolves once that is durable. */
  write<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let result: T;
      const job = { work: () => void (result = work()), committed: () => resolve(result), failed: reject };
      if (this.#jobs.push(job) === 1) setImmediate(() => this.#commit());
    });
  }

  close(): void {
    this.#commit();
    this.#db.close();
  }

  #commit(): void {
    const jobs = this.#jobs;
    this.#jobs = [];
    const done: Job[] = [];
    if (jobs.length === 0) return;
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      for (const job of jobs) if (this.#runJob(job)) done.push(job);
      this.#db.exec('COMMIT');
    } catch (err) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      for (const job of jobs) job.failed(err);
      return;
    }
    for (const job of done) job.committed();
  }

  #runJob(job: Job): boolean {
    this.#db.exec('SAVEPOINT job');
    try {
      job.work();
    } catch (err) {
      // A full disk ends the whole transaction by itself; then there is no savepoint to go back to.
      if (!this.#db.isTransaction) throw err;
      this.#db.exec('ROLLBACK TO job; RELEASE job');
      job.failed(err);
      return false;
    }
    this.#db.exec('RELEASE job');
    return true;
  }
}
