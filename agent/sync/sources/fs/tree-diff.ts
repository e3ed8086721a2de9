import { readdirSync } from 'node:fs';
import type { FileIndex, ToldPath } from './file-index.ts';
import { absolutePath, childPath, isGarbled, isSameVersion, noVersionOf, readVersion } from './file-version.ts';
import type { FileVersion } from './file-version.ts';
import { MapQueue } from './map-queue.ts';

export interface DiffOptions {
  readonly root: string;
  readonly index: FileIndex;
  /** Whether a file of this name is synced; folders always are. */
  readonly isWanted: (name: string) => boolean;
  /** What is done with a difference; `found` is undefined for a path that is gone. */
  readonly onDifference: (path: string, found: FileVersion | undefined) => void;
  readonly onUnreadable: (path: string) => void;
}

/** A folder that is being compared. */
interface Folder {
  readonly path: string;
  readonly deep: boolean;
  readonly names: readonly string[];
  next: number;
  readonly told: Map<string, ToldPath>;
}

/** How many paths are looked at between two looks at the clock. */
const STEP = 256;

/** Compares folders with what was told of them, a step at a time: what happened while nobody watched. */
export class TreeDiff {
  readonly #options: DiffOptions;
  /** By path; true: with all below it. */
  readonly #left = new MapQueue<boolean>();
  #folder: Folder | undefined;

  constructor(options: DiffOptions) {
    this.#options = options;
  }

  get isBusy(): boolean {
    return this.#folder !== undefined || this.#left.size > 0;
  }

  /** A folder's entries are to be compared, and with `deep` all below it; it need not exist. */
  add(path: string, deep: boolean): void {
    this.#left.set(path, deep || this.#left.get(path) === true);
  }

  /** Compares until about `deadline` (as performance.now) or until `isEnough`. */
  step(deadline: number, isEnough: () => boolean): void {
    while (this.isBusy && !isEnough() && performance.now() < deadline) {
      this.#folder ??= this.#nextFolder();
      const folder = this.#folder;
      if (folder === undefined) continue;
      const end = Math.min(folder.next + STEP, folder.names.length);
      for (; folder.next < end; folder.next += 1) this.#compare(folder, folder.names[folder.next] ?? '');
      if (folder.next < folder.names.length) continue;
      for (const [name, { isDir }] of folder.told) {
        const path = childPath(folder.path, name);
        this.#options.onDifference(path, undefined);
        if (isDir) this.add(path, true);
      }
      this.#folder = undefined;
    }
  }

  #nextFolder(): Folder | undefined {
    const next = this.#left.takeFirst();
    if (next === undefined) return undefined;
    const [path, deep] = next;
    const { root, index, onUnreadable } = this.#options;
    try {
      const names = readdirSync(absolutePath(root, path));
      return { path, deep, names, next: 0, told: index.children(path) };
    } catch (err) {
      // What the consumer knows of a folder that may not be read stays as it is.
      if (noVersionOf(err) === 'unreadable') onUnreadable(path);
      else if (path !== '') return { path, deep, names: [], next: 0, told: index.children(path) };
      return undefined;
    }
  }

  #compare(folder: Folder, name: string): void {
    const { root, isWanted, onDifference, onUnreadable } = this.#options;
    const path = childPath(folder.path, name);
    const found = readVersion(root, path);
    if (found === 'gone' && isGarbled(name)) onUnreadable(path);
    if (found === 'gone') return;
    const told = folder.told.get(name);
    if (found === 'unreadable') {
      folder.told.delete(name);
      onUnreadable(path);
      return;
    }
    // One that is not wanted any more counts as gone.
    if (!found.isDir && !isWanted(name)) return;
    folder.told.delete(name);
    const differs = told?.version === undefined || !isSameVersion(found, told.version);
    if (differs) onDifference(path, found);
    // Another folder than before, or a file in place of one: what was told below it has to go.
    if (found.isDir ? folder.deep || differs : told?.isDir === true) this.add(path, true);
  }
}
