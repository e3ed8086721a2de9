import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another process works in the folder. */
export class StateFolderTaken extends Error {
  override readonly name = 'StateFolderTaken';
}

/**
 * An agent's folder on disk, used by one process at a time. The lock is the kernel's, held through an SQLite file (Node
 * has no flock): it ends with the process, however that ends, and holds across containers that share the folder.
 */
export class StateFolder {
  readonly path: string;
  /**
   * The instance id of the process that had the folder before. Since the lock is free, that process is dead, so its
   * Lease need not be waited for.
   */
  readonly previousInstance: string | undefined;
  readonly #lock: DatabaseSync;

  private constructor(path: string, previousInstance: string | undefined, lock: DatabaseSync) {
    this.path = path;
    this.previousInstance = previousInstance;
    this.#lock = lock;
  }

  /** Rejects with `StateFolderTaken` when another process has the folder. */
  static async open(path: string): Promise<StateFolder> {
    await mkdir(join(path, 'work'), { recursive: true, mode: 0o700 });
    const lock = new DatabaseSync(join(path, 'lock'));
    try {
      lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    } catch (err) {
      lock.close();
      if (!/locked|busy/i.test(String(err))) throw err;
      throw new StateFolderTaken(
        `the state folder ${path} is in use by another agent; give this one its own (--state-dir)`,
      );
    }
    // Sockets, scripts and copies of files of a process that was killed; tasks' own files stay.
    const left = (await readdir(join(path, 'work'))).filter((name) =>
      /^\.(spawn-[0-9a-f]{8}|[0-9a-f-]{36}-\d+\.sh|file-[0-9a-f-]{36}-\d+)$/.test(name),
    );
    await Promise.all(left.map((name) => rm(join(path, 'work', name), { recursive: true, force: true })));
    const previous = await readFile(join(path, 'instance'), 'utf8').catch(() => '');
    return new StateFolder(path, previous.trim() || undefined, lock);
  }

  /** Where commands run that name no folder. */
  get workFolder(): string {
    return join(this.path, 'work');
  }

  /** Where uploaded files are kept for tasks. */
  get fileFolder(): string {
    return join(this.path, 'files');
  }

  /** Where output waits for its upload. */
  get spoolFolder(): string {
    return join(this.path, 'spool');
  }

  /** Where sources of syncs keep what must outlive the process. */
  get syncFolder(): string {
    return join(this.path, 'syncs');
  }

  /** Remembers the instance id for the next process; to be called once this one holds the Lease. */
  async rememberInstance(instance: string): Promise<void> {
    const fresh = join(this.path, 'instance.new');
    await writeFile(fresh, instance, { flush: true });
    await rename(fresh, join(this.path, 'instance'));
  }

  close(): void {
    this.#lock.close();
  }
}
