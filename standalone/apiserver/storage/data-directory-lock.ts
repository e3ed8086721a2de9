import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Holds a data directory for this process until `release` or the process's end, however it ends: the lock is the
 * operating system's, on a file of SQLite's, so a killed process leaves nothing to clean up.
 */
export class DataDirectoryLock {
  readonly #database: DatabaseSync;

  constructor(directory: string) {
    const owner = join(directory, 'lock.pid');
    this.#database = new DatabaseSync(join(directory, 'lock.sqlite'));
    try {
      this.#database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    } catch (err) {
      this.#database.close();
      if (!/locked|busy/i.test((err as Error).message)) throw err;
      throw new Error(
        `the data directory ${directory} is in use by another process${pidIn(owner)}; stop it first, or choose another directory`,
        { cause: err },
      );
    }
    writeFileSync(owner, `${process.pid}\n`, { mode: 0o600 });
  }

  release(): void {
    this.#database.close();
  }
}

function pidIn(file: string): string {
  try {
    const pid = readFileSync(file, 'utf8').trim();
    return /^\d+$/.test(pid) ? ` (pid ${pid})` : '';
  } catch {
    return '';
  }
}
