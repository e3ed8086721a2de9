import { lstatSync } from 'node:fs';
import type { Stats } from 'node:fs';

/** A file that was created and not closed since. */
interface CreatedFile {
  /** When it is looked at, as performance.now. */
  readonly due: number;
}

/** More than this many that are open at once are told of at once. */
const LIMIT = 65_536;

/**
 * Files that were created. They are told of when they are closed; but nobody closes a hard link, a symbolic link, a pipe, or a
 * file that was written before it got its name (O_TMPFILE): of these is told at once, or when nobody writes for a while.
 */
export class CreatedFiles {
  /** Below the root, in the order of their times. */
  readonly #files = new Map<string, CreatedFile>();
  readonly #root: string;
  readonly #delayMs: number;

  constructor(root: string, delayMs: number) {
    this.#root = root;
    this.#delayMs = delayMs;
  }

  /** Whether it is to be told of at once. */
  add(path: string, now: number): boolean {
    const stats = this.#read(path);
    if (stats === undefined) return false;
    if (!stats.isFile() || stats.nlink > 1 || this.#files.size >= LIMIT) return true;
    this.#files.set(path, { due: now + this.#delayMs });
    return false;
  }

  /** It was closed, or is gone. */
  delete(path: string): void {
    this.#files.delete(path);
  }

  /** In how many milliseconds the next is due; undefined: there is none. */
  nextDue(now: number): number | undefined {
    const [first] = this.#files.values();
    return first && Math.max(0, first.due - now);
  }

  /** The files that nobody has written to for long enough. */
  takeDue(now: number): string[] {
    const quiet: string[] = [];
    for (const [path, { due }] of this.#files) {
      if (due > now) break;
      this.#files.delete(path);
      const stats = this.#read(path);
      if (stats === undefined) continue;
      if (Date.now() - stats.mtimeMs >= this.#delayMs) quiet.push(path);
      else this.#files.set(path, { due: now + this.#delayMs });
    }
    return quiet;
  }

  #read(path: string): Stats | undefined {
    try {
      return lstatSync(`${this.#root}/${path}`, { throwIfNoEntry: false });
    } catch {
      // What cannot be looked at is told of, or not, when it is closed.
      return undefined;
    }
  }
}
