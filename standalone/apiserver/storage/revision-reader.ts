import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { DELETED } from './revision-database.ts';
import type { RevisionRow, RevisionType } from './revision-database.ts';

/** The newest version of one key as of some revision. */
export interface Listed {
  readonly key: string;
  readonly revision: number;
}

/** Reads revisions on a connection of its own; never blocked by the writer (WAL). All calls are synchronous. */
export class RevisionReader {
  readonly #database: DatabaseSync;
  readonly #newest: StatementSync;
  readonly #value: StatementSync;
  readonly #keys: StatementSync;
  readonly #count: StatementSync;
  readonly #history: StatementSync;

  constructor(file: string) {
    const database = new DatabaseSync(file, { readOnly: true });
    // Checkpoints never make a reader wait in WAL mode; recovery after a crash may, once.
    database.exec('PRAGMA busy_timeout = 5000; PRAGMA cache_size = -8192; PRAGMA mmap_size = 268435456;');
    this.#database = database;
    this.#newest = database.prepare(
      'SELECT revision, type, value FROM revisions WHERE key = ? AND revision <= ? ORDER BY revision DESC LIMIT 1',
    );
    this.#value = database.prepare('SELECT value FROM revisions WHERE revision = ?');
    // `type` is that of the row with MAX(revision): https://sqlite.org/lang_select.html#bareagg
    const newestOfEach = `SELECT key, MAX(revision) AS revision, type FROM revisions
      WHERE key >= ? AND key < ? AND revision <= ? GROUP BY key HAVING type <> ${DELETED}`;
    this.#keys = database.prepare(`${newestOfEach} ORDER BY key LIMIT ?`);
    this.#count = database.prepare(`SELECT COUNT(*) AS count FROM (${newestOfEach})`);
    this.#history = database.prepare(
      `SELECT revision, key, type, previous, value FROM revisions
        WHERE revision > ? AND revision <= ? AND key >= ? AND key < ? ORDER BY revision LIMIT ?`,
    );
  }

  /** The last revision written, 0 in a new database. */
  lastRevision(): number {
    const row = this.#database
      .prepare('SELECT MAX(COALESCE(MAX(revision), 0), (SELECT value FROM meta WHERE name = ?)) AS last FROM revisions')
      .get('compacted') as { last: number };
    return row.last;
  }

  compactedRevision(): number {
    return (this.#database.prepare('SELECT value FROM meta WHERE name = ?').get('compacted') as { value: number })
      .value;
  }

  newest(key: string, asOf: number): { revision: number; value: string } | undefined {
    const row = this.#newest.get(key, asOf) as { revision: number; type: RevisionType; value: string } | undefined;
    return row === undefined || row.type === DELETED ? undefined : row;
  }

  /** Undefined when compaction dropped the revision. */
  value(revision: number): string | undefined {
    return (this.#value.get(revision) as { value: string } | undefined)?.value;
  }

  /** Keys from `start` up to and without `end`, in byte order, that exist as of a revision. */
  list(start: string, end: string, asOf: number, limit: number): Listed[] {
    return this.#keys.all(start, end, asOf, limit) as unknown as Listed[];
  }

  count(start: string, end: string, asOf: number): number {
    return (this.#count.get(start, end, asOf) as { count: number }).count;
  }

  /** What happened to keys of a range after one revision and up to another, oldest first. */
  history(after: number, upTo: number, start: string, end: string, limit: number): RevisionRow[] {
    return this.#history.all(after, upTo, start, end, limit) as unknown as RevisionRow[];
  }

  /** Reads throw from then on. */
  close(): void {
    this.#database.close();
  }
}
