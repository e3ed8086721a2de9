import { lstatSync, statSync } from 'node:fs';

/** What a path is at one moment: a file or a folder, and which state of it. Times are in epoch milliseconds. */
export interface FileVersion {
  readonly isDir: boolean;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
}

/**
 * Whether consumers need not be told of a change. A folder is the same while its inode is: its size and times change with
 * all that happens in it, of which consumers are told anyway.
 */
export function isSameVersion(a: FileVersion, b: FileVersion): boolean {
  if (a.isDir !== b.isDir || a.ino !== b.ino) return false;
  return a.isDir || (a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs);
}

/** Nothing is there, or something that this user may not look at. */
export type NoVersion = 'gone' | 'unreadable';

const GONE = new Set(['ENOENT', 'ENOTDIR']);
const UNREADABLE = new Set(['EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG']);

/** Which of the two an error of the file system says. Throws all others on: after an EIO nobody knows what is there. */
export function noVersionOf(err: unknown): NoVersion {
  const code = (err as NodeJS.ErrnoException).code ?? '';
  if (GONE.has(code)) return 'gone';
  if (UNREADABLE.has(code)) return 'unreadable';
  throw err;
}

/** Looks at `path` below `root`; a symbolic link is not followed, but where the root itself (`''`) is one. */
export function readVersion(root: string, path: string): FileVersion | NoVersion {
  try {
    const stats = (path === '' ? statSync : lstatSync)(absolutePath(root, path), { throwIfNoEntry: false });
    if (stats === undefined) return 'gone';
    const { size, mtimeMs, ctimeMs, ino } = stats;
    return { isDir: stats.isDirectory(), size, mtimeMs, ctimeMs, ino };
  } catch (err) {
    return noVersionOf(err);
  }
}

/** Of a path below the root: the folder that it stands in (`''`: the root), and its name there. */
export function splitPath(path: string): { readonly dir: string; readonly name: string } {
  const at = path.lastIndexOf('/');
  return at < 0 ? { dir: '', name: path } : { dir: path.slice(0, at), name: path.slice(at + 1) };
}

export function childPath(dir: string, name: string): string {
  return dir === '' ? name : `${dir}/${name}`;
}

/** Whether a name may stand for another that is not UTF-8, which no JSON can hold: then nothing is found under it. */
export function isGarbled(name: string): boolean {
  return name.includes('\uFFFD');
}

/** The path as consumers know it. */
export function absolutePath(root: string, path: string): string {
  if (path === '') return root;
  return root === '/' ? `/${path}` : `${root}/${path}`;
}
