import type { FilePosition } from './file-index.ts';

/** What the thread that watches a folder is started with. */
export interface ThreadStart {
  readonly root: string;
  /** As fnmatch; of names of files. */
  readonly filePattern: string;
  /** A file that was created and that nobody writes to is told of after so long, though nobody closed it. */
  readonly maxSyncDelayMs: number;
  /** How many paths may wait before only their folders are kept. */
  readonly maxDirtyPaths: number;
  /** Undefined: nothing is watched; only snapshots are read. */
  readonly watch: WatchStart | undefined;
}

export interface WatchStart {
  readonly indexFile: string;
  /** Undefined: from now on, with a new index. */
  readonly position: FilePosition | undefined;
  /** Entries get greater numbers. */
  readonly afterIndex: number;
}

/** Paths in columns: they go between threads much faster than objects do. Times are in epoch milliseconds. */
export interface PathColumns {
  /** Below the root; `''`: the root. */
  readonly paths: readonly string[];
  readonly sizes: Float64Array;
  readonly mtimes: Float64Array;
  readonly ctimes: Float64Array;
  /** 1: a folder. */
  readonly isDir: Uint8Array;
}

/** What has happened to paths, oldest first. */
export interface Changes extends PathColumns {
  /** 1: it is gone. */
  readonly isGone: Uint8Array;
  /** 1: and all below it. */
  readonly isTree: Uint8Array;
  readonly indexes: Float64Array;
  /** When it was first known, in epoch milliseconds. */
  readonly since: Float64Array;
}

export interface FoundPaths extends PathColumns {
  /** The number of the last change that was taken before these were read. */
  readonly seen: number;
}

/** `id`: each but `rewind` is answered once. */
export type ToThread =
  /** Answered when there are changes, or with none by a `rewind`. */
  | { readonly kind: 'take'; readonly id: number; readonly count: number; readonly committed: number }
  /** What was taken after `committed` is to be taken again. */
  | { readonly kind: 'rewind'; readonly committed: number }
  /** The consumer has all up to this number, for good. */
  | { readonly kind: 'settle'; readonly id: number; readonly at: number }
  | { readonly kind: 'openSnapshot'; readonly id: number }
  | {
      readonly kind: 'readSnapshot';
      readonly id: number;
      readonly snapshot: number;
      readonly after: string | undefined;
      readonly count: number;
    }
  | { readonly kind: 'closeSnapshot'; readonly id: number; readonly snapshot: number }
  | { readonly kind: 'close'; readonly id: number };

export interface ThreadFailure {
  readonly isPositionLost: boolean;
  readonly reason: string;
  readonly message: string;
  readonly retryable: boolean;
}

export type FromThread =
  /** The first message, with the files of `Inotify`: to be closed when the thread has ended, however that came. */
  | { readonly kind: 'ready'; readonly wakeFd: number; readonly fd: number }
  /** All folders are watched, and the index stands. Once, where something is watched. */
  | { readonly kind: 'started'; readonly indexId: string; readonly at: number }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'waiting'; readonly paths: number }
  | { readonly kind: 'unreadable'; readonly path: string }
  | { readonly kind: 'overflow' }
  /** The last message. */
  | { readonly kind: 'failed'; readonly failure: ThreadFailure };
