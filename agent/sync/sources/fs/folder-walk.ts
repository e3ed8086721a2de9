import { readdirSync } from 'node:fs';
import { absolutePath, childPath, isGarbled, noVersionOf, readVersion } from './file-version.ts';
import type { FileVersion } from './file-version.ts';

export interface WalkOptions {
  readonly root: string;
  /** Whether a file of this name is synced; folders always are. */
  readonly isWanted: (name: string) => boolean;
  readonly onUnreadable: (path: string) => void;
}

/** A path that a walk found. */
export interface FoundPath {
  readonly path: string;
  readonly version: FileVersion;
}

interface Folder {
  readonly path: string;
  /** Sorted, and only what is still to come. */
  readonly names: readonly string[];
  next: number;
}

/**
 * All paths below a root, each folder before what is in it and names in the order of their UTF-16 code units: so a walk can go on
 * behind any path, whether that is still there or not. One folder's names are in memory at a time, for each level.
 */
export class FolderWalk {
  readonly #options: WalkOptions;
  #folders: Folder[] = [];
  /** The path that was found last; undefined: nothing yet. */
  #last: string | undefined;
  #isAtStart = true;

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  /** What comes behind `after` (undefined: all, with the root), `count` paths at most; empty: nothing more. */
  next(after: string | undefined, count: number): FoundPath[] {
    if (after === undefined || after !== this.#last) this.#seek(after);
    const found: FoundPath[] = [];
    if (this.#isAtStart) this.#take(found, '');
    this.#isAtStart = false;
    for (let folder = this.#folders.at(-1); folder !== undefined; folder = this.#folders.at(-1)) {
      if (found.length >= count) break;
      const name = folder.names[folder.next];
      folder.next += 1;
      if (name === undefined) this.#folders.pop();
      else this.#take(found, childPath(folder.path, name));
    }
    this.#last = found.at(-1)?.path ?? this.#last;
    return found;
  }

  #take(found: FoundPath[], path: string): void {
    const { root, isWanted, onUnreadable } = this.#options;
    const version = readVersion(root, path);
    if (version === 'unreadable' || (version === 'gone' && isGarbled(path))) onUnreadable(path);
    if (typeof version === 'string') return;
    if (!version.isDir && !isWanted(path.slice(path.lastIndexOf('/') + 1))) return;
    found.push({ path, version });
    if (version.isDir) this.#enter(path, '');
  }

  #seek(after: string | undefined): void {
    this.#folders = [];
    this.#last = after;
    this.#isAtStart = after === undefined;
    if (after === undefined) return;
    let path = '';
    for (const name of after === '' ? [] : after.split('/')) {
      this.#enter(path, name);
      path = childPath(path, name);
    }
    this.#enter(path, '');
  }

  /** Goes into a folder, to the names that are greater than `after`. */
  #enter(path: string, after: string): void {
    const { root, onUnreadable } = this.#options;
    try {
      const names = readdirSync(absolutePath(root, path));
      this.#folders.push({ path, names: names.filter((name) => name > after).sort(), next: 0 });
    } catch (err) {
      if (noVersionOf(err) === 'unreadable') onUnreadable(path);
    }
  }
}
