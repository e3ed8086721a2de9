import { statSync } from 'node:fs';
import { SourceError } from '../../source.ts';
import { IndexClock } from '../../bus/index-clock.ts';
import type { Change } from './change-list.ts';
import { CreatedFiles } from './created-files.ts';
import { DirtyPaths } from './dirty-paths.ts';
import type { FileIndex } from './file-index.ts';
import { childPath, isSameVersion, readVersion, splitPath } from './file-version.ts';
import type { FileVersion } from './file-version.ts';
import type { FoundPath } from './folder-walk.ts';
import { IN } from './inotify.ts';
import type { InotifyEvent } from './inotify.ts';
import { TreeDiff } from './tree-diff.ts';
import { Unsettled } from './unsettled.ts';
import { WatchTree } from './watch-tree.ts';
import type { FolderWatcher } from './watch-tree.ts';

export interface FolderWatchOptions {
  readonly root: string;
  readonly rootIno: number;
  readonly index: FileIndex;
  /** Whether `index` is new: what is there now is taken as told. */
  readonly isNew: boolean;
  readonly afterIndex: number;
  readonly watcher: FolderWatcher;
  readonly isWanted: (name: string) => boolean;
  readonly maxSyncDelayMs: number;
  readonly maxDirtyPaths: number;
  readonly onUnreadable: (path: string) => void;
  readonly onOverflow: () => void;
}

/** What a comparison of folders may put before the changes that come meanwhile. */
const DIFF_AHEAD = 1_000;
/** How many told paths wait for a checkpoint at most. */
const MAX_UNSETTLED = 100_000;
/** How often the root's path is looked at: nothing tells of a file system that is mounted over it, or of a link that leads elsewhere. */
const ROOT_CHECK_MS = 1_000;

/** What happens in a folder and all below it, from the kernel's events to the changes that a consumer is told of. */
export class FolderWatch {
  readonly #options: FolderWatchOptions;
  readonly #tree: WatchTree;
  readonly #dirty: DirtyPaths;
  readonly #created: CreatedFiles;
  readonly #unsettled: Unsettled;
  readonly #diff: TreeDiff;
  readonly #clock: IndexClock;
  /** Takes all that is there as told, at the start of a new index. */
  #baseline: TreeDiff | undefined;
  #isStarted = false;
  #checkedAt = performance.now();

  constructor(options: FolderWatchOptions) {
    const { root, index, watcher, isWanted, onUnreadable } = options;
    this.#options = options;
    this.#tree = new WatchTree(root, watcher);
    this.#dirty = new DirtyPaths(options.maxDirtyPaths);
    this.#created = new CreatedFiles(root, options.maxSyncDelayMs);
    this.#unsettled = new Unsettled(index, MAX_UNSETTLED);
    this.#clock = new IndexClock(Math.max(options.afterIndex, index.told));
    const diff = { root, index, isWanted, onUnreadable };
    this.#diff = new TreeDiff({ ...diff, onDifference: (path) => this.#markFromDiff(path) });
    if (options.isNew)
      this.#baseline = new TreeDiff({
        ...diff,
        onDifference: (path, found) => found !== undefined && index.put(path, found),
      });
    // The folder was settled, and what is below it was still to be told when the process died.
    else for (const path of index.strayFolders()) this.#diff.add(path, true);
    this.#tree.add('');
  }

  /** Whether all is watched and, with a new index, known. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** How many paths wait. */
  get waiting(): number {
    return this.#dirty.size;
  }

  /** The number of the last change that was taken. */
  get lastIndex(): number {
    return this.#clock.last;
  }

  /** Whether `step` has something to do at once. */
  get isBusy(): boolean {
    return this.#tree.isBusy || !this.#isStarted || (this.#diff.isBusy && this.#dirty.size < DIFF_AHEAD);
  }

  /** In how many milliseconds `step` has something to do though nothing happens. */
  get nextDue(): number | undefined {
    return this.#created.nextDue(performance.now());
  }

  /** A number of its own for the place where the stream begins. */
  nextIndex(): number {
    return this.#clock.next(Date.now());
  }

  /** Takes what the kernel tells. Throws a `SourceError` when the folder itself is gone. */
  handle(events: readonly InotifyEvent[]): void {
    const now = Date.now();
    for (const { wd, mask, name } of events) {
      if ((mask & IN.Q_OVERFLOW) !== 0) this.#overflow();
      else if (name === '') this.#handleSelf(wd, mask);
      else {
        const dir = this.#tree.pathOf(wd);
        if (dir === undefined) continue;
        const path = childPath(dir, name);
        if ((mask & IN.ISDIR) !== 0) this.#handleFolder(path, mask, now);
        else this.#handleFile(path, mask, now);
      }
    }
    this.#bound();
  }

  /** Does some work that waits, until about `deadline` (as performance.now). Throws a `SourceError` when another folder is at the root's path. */
  step(deadline: number): void {
    if (performance.now() - this.#checkedAt > ROOT_CHECK_MS) {
      checkRoot(this.#options.root, this.#options.rootIno);
      this.#checkedAt = performance.now();
    }
    const now = Date.now();
    for (const path of this.#created.takeDue(performance.now())) this.#dirty.add(path, now);
    for (const path of this.#tree.step(deadline)) {
      if (this.#baseline !== undefined) this.#baseline.add(path, true);
      else this.#diff.add(path, true);
    }
    if (this.#tree.isBusy) return;
    this.#baseline?.step(deadline, () => false);
    if (this.#baseline?.isBusy !== true) {
      this.#baseline = undefined;
      this.#isStarted = true;
      this.#diff.step(deadline, () => this.#dirty.size >= DIFF_AHEAD);
    }
    this.#options.index.commit();
  }

  /** The oldest changes, `count` at most; what may be told is noted in the index first. */
  take(count: number, committed: number): Change[] {
    const { index } = this.#options;
    const changes: Change[] = [];
    let isSomethingGone = false;
    while (changes.length < count) {
      const dirty = this.#dirty.take();
      if (dirty === undefined) break;
      const { path, since, tree } = dirty;
      const version = this.#read(path);
      if (version === 'unreadable') continue;
      const told = index.get(path);
      if (version === undefined ? told === undefined : told?.version && isSameVersion(told.version, version)) continue;
      isSomethingGone ||= version === undefined;
      const entry = this.#clock.next(Date.now());
      index.doubt(path, version?.isDir ?? tree);
      this.#unsettled.add({ entry, dirty, version }, committed);
      changes.push({ path, index: entry, since, version, tree });
    }
    // Before anything is told to be gone: is it not the whole folder that is?
    if (isSomethingGone) checkRoot(this.#options.root, this.#options.rootIno);
    index.commit();
    return changes;
  }

  /** What was taken after `committed` is to be taken again. */
  rewind(committed: number): void {
    this.#dirty.putBack(this.#unsettled.takeAfter(committed));
  }

  /** The consumer has all up to this change, for good. */
  settle(entry: number): void {
    this.#unsettled.settle(entry);
  }

  /** A snapshot is to tell of these paths. */
  noteSnapshot(found: readonly FoundPath[]): void {
    const { index } = this.#options;
    let dir: string | undefined;
    let told = new Map<string, unknown>();
    found.forEach(({ path, version }, at) => {
      if (path === '') return;
      const { dir: parent, name } = splitPath(path);
      if (parent !== dir) {
        dir = parent;
        told = index.childrenBetween(parent, name, lastNameIn(found, at, parent));
      }
      this.#unsettled.revive(path);
      if (!told.has(name)) index.doubt(path, version.isDir);
    });
    index.commit();
  }

  #read(path: string): FileVersion | undefined | 'unreadable' {
    const { root, isWanted, onUnreadable } = this.#options;
    const version = readVersion(root, path);
    if (version === 'unreadable') onUnreadable(path);
    if (typeof version === 'string') return version === 'gone' ? undefined : version;
    return version.isDir || isWanted(splitPath(path).name) ? version : undefined;
  }

  #handleSelf(wd: number, mask: number): void {
    const ends = IN.DELETE_SELF | IN.MOVE_SELF | IN.UNMOUNT | IN.IGNORED;
    if (this.#tree.isRoot(wd) && (mask & ends) !== 0) throw rootGone(this.#options.root);
    if ((mask & IN.IGNORED) !== 0) this.#tree.forget(wd);
  }

  #handleFolder(path: string, mask: number, now: number): void {
    if ((mask & (IN.CREATE | IN.MOVED_TO)) !== 0) {
      this.#dirty.add(path, now);
      this.#tree.add(path);
    } else if ((mask & (IN.MOVED_FROM | IN.DELETE)) !== 0) {
      this.#dirty.add(path, now, true);
      if ((mask & IN.MOVED_FROM) !== 0) this.#tree.remove(path);
      this.#diff.add(path, true);
    }
  }

  #handleFile(path: string, mask: number, now: number): void {
    if (!this.#options.isWanted(splitPath(path).name)) return;
    if ((mask & IN.CREATE) !== 0) {
      if (this.#created.add(path, performance.now())) this.#dirty.add(path, now);
      return;
    }
    this.#created.delete(path);
    this.#dirty.add(path, now);
  }

  /** The kernel has dropped events. */
  #overflow(): void {
    this.#options.onOverflow();
    this.#tree.add('');
  }

  #markFromDiff(path: string): void {
    this.#dirty.add(path, Date.now());
  }

  /** Too many paths wait: their folders are compared when there is room again. */
  #bound(): void {
    if (!this.#dirty.isFull) return;
    for (const path of this.#dirty.takeAll()) this.#diff.add(splitPath(path).dir, false);
  }
}

/** Of the paths from `at` on that stand in one folder, the last one's name. */
function lastNameIn(found: readonly FoundPath[], at: number, dir: string): string {
  let last = '';
  for (let next = at; next < found.length; next += 1) {
    const split = splitPath(found[next]?.path ?? '');
    if (split.dir !== dir) break;
    last = split.name;
  }
  return last;
}

/** The inode of a folder, through links. Throws a `SourceError` when there is none. */
export function inodeOfRoot(root: string): number {
  const stats = statSync(root, { throwIfNoEntry: false });
  if (stats === undefined) throw rootGone(root);
  if (!stats.isDirectory()) throw new SourceError('FolderUnusable', `${root} is not a folder`, { retryable: true });
  return stats.ino;
}

function checkRoot(root: string, ino: number): void {
  if (inodeOfRoot(root) !== ino) throw rootGone(root);
}

function rootGone(root: string): SourceError {
  return new SourceError('FolderGone', `the folder ${root} is not there (deleted, moved or unmounted)`, {
    retryable: true,
  });
}
