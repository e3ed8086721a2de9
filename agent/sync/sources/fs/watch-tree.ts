import { readdirSync } from 'node:fs';
import { SourceError } from '../../source.ts';
import { absolutePath, childPath, noVersionOf, splitPath } from './file-version.ts';
import { IN } from './inotify.ts';

/** What of the kernel the tree needs. */
export interface FolderWatcher {
  add(path: string, mask: number): number | undefined;
  remove(wd: number): void;
}

/**
 * Files are told of when they were written and closed. A file's creation is watched for what nobody closes: hard links,
 * symbolic links, pipes.
 */
const MASK =
  IN.CLOSE_WRITE | IN.MOVED_FROM | IN.MOVED_TO | IN.CREATE | IN.DELETE | IN.ONLYDIR | IN.EXCL_UNLINK | IN.DONT_FOLLOW;
/** The root may be a symbolic link; its end is the end of all. */
const ROOT_MASK = (MASK & ~IN.DONT_FOLLOW) | IN.DELETE_SELF | IN.MOVE_SELF;

/** A folder that is watched. A path is put together when it is asked for, since a folder may be moved with all below it. */
interface Folder {
  readonly wd: number;
  readonly name: string;
  readonly parent: Folder | undefined;
  readonly children: Map<string, Folder>;
}

interface Walk {
  /** From where all is to be watched, below the root. */
  readonly from: string;
  readonly left: string[];
}

/** The watches of all folders below a root, set before a folder is first read: so no change in it can be missed. */
export class WatchTree {
  readonly #root: string;
  readonly #watcher: FolderWatcher;
  readonly #byWd = new Map<number, Folder>();
  readonly #walks: Walk[] = [];
  #top: Folder | undefined;

  constructor(root: string, watcher: FolderWatcher) {
    this.#root = root;
    this.#watcher = watcher;
  }

  get size(): number {
    return this.#byWd.size;
  }

  /** Whether there are folders left to watch. */
  get isBusy(): boolean {
    return this.#walks.length > 0;
  }

  /** Watches a folder and all below it, in the steps to come. */
  add(path: string): void {
    this.#walks.push({ from: path, left: [path] });
  }

  /** Watches some more folders, until about `deadline` (as performance.now); gives the folders that are watched with all below. */
  step(deadline: number): string[] {
    const done: string[] = [];
    for (let walk = this.#walks[0]; walk !== undefined; walk = this.#walks[0]) {
      for (let path = walk.left.pop(); path !== undefined; path = walk.left.pop()) {
        this.#watch(path, walk.left);
        if (performance.now() > deadline) return done;
      }
      done.push(walk.from);
      this.#walks.shift();
    }
    return done;
  }

  /** The folder that a watch is of, below the root; undefined: none any more. */
  pathOf(wd: number): string | undefined {
    const folder = this.#byWd.get(wd);
    return folder && pathOf(folder);
  }

  isRoot(wd: number): boolean {
    return this.#top?.wd === wd;
  }

  /** The kernel has ended a watch. */
  forget(wd: number): void {
    const folder = this.#byWd.get(wd);
    if (folder === undefined) return;
    this.#byWd.delete(wd);
    this.#detach(folder);
  }

  /** Ends the watches of a folder that was moved away, and of all below it. */
  remove(path: string): void {
    const folder = this.#find(path);
    if (folder === undefined) return;
    this.#detach(folder);
    const left = [folder];
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      this.#byWd.delete(one.wd);
      this.#watcher.remove(one.wd);
      left.push(...one.children.values());
    }
  }

  #watch(path: string, left: string[]): void {
    const absolute = absolutePath(this.#root, path);
    const { dir, name } = splitPath(path);
    const parent = path === '' ? undefined : this.#find(dir);
    // The parent is gone: its own end tells of it.
    if (path !== '' && parent === undefined) return;
    const wd = this.#watcher.add(absolute, path === '' ? ROOT_MASK : MASK);
    if (wd === undefined && path === '')
      throw new SourceError('FolderUnusable', `the folder ${this.#root} is not there or may not be read`, {
        retryable: true,
      });
    if (wd === undefined) return;
    const known = this.#byWd.get(wd);
    if (known === undefined || known.parent !== parent || known.name !== name) {
      // The same inode at another path: it was moved, and the event that says so is still to come.
      if (known !== undefined) this.#detach(known);
      const folder: Folder = { wd, name, parent, children: known?.children ?? new Map<string, Folder>() };
      // Those below keep their watches; their parent is the new one once they are watched in their turn.
      this.#byWd.set(wd, folder);
      if (parent === undefined) this.#top = folder;
      else parent.children.set(name, folder);
    }
    for (const child of foldersIn(absolute)) left.push(childPath(path, child));
  }

  #detach(folder: Folder): void {
    if (folder.parent?.children.get(folder.name) === folder) folder.parent.children.delete(folder.name);
  }

  #find(path: string): Folder | undefined {
    if (path === '') return this.#top;
    let folder = this.#top;
    for (const name of path.split('/')) folder = folder?.children.get(name);
    return folder;
  }
}

function pathOf(folder: Folder): string {
  let path = folder.name;
  for (let above = folder.parent; above?.parent !== undefined; above = above.parent) path = `${above.name}/${path}`;
  return path;
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (err) {
    noVersionOf(err);
    return [];
  }
}
