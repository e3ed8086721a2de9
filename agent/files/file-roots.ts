import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { FileUnavailable } from './file-unavailable.ts';

export interface FileRootsOptions {
  /** Relative paths are below it, and it is always allowed. */
  readonly workFolder: string;
  /** The agent's own records lie here: no task may touch them, but for what is in the work folder. */
  readonly stateFolder: string;
  /** The folders that tasks' paths must be in (`roots` of the plugin `file`); undefined: any. */
  readonly roots?: readonly string[] | undefined;
  /** Files and folders that no task may touch, such as those with the agent's passwords. */
  readonly closed?: readonly string[];
}

export interface LocalFile {
  readonly path: string;
  readonly bytes: number;
  /** The numeric id of the user whose file it is. */
  readonly owner: number;
}

/** What the kernel shows of programs as files, secrets included, and where Kubernetes puts the agent's own token. */
const FORBIDDEN_FOLDERS = ['/proc', '/sys', '/dev', '/run/secrets', '/var/run/secrets'];

/** Which paths on the agent's host a task may name. Symbolic links are followed first, then the place is judged. */
export class FileRoots {
  readonly #options: FileRootsOptions;

  constructor(options: FileRootsOptions) {
    this.#options = options;
  }

  /** An existing regular file. Throws `FileUnavailable`. */
  async readable(path: string): Promise<LocalFile> {
    const place = this.#place(path);
    const real = await realpath(place).catch((err: unknown) => {
      throw unreadable(place, err);
    });
    await this.#check(real, path);
    return lookAt(real);
  }

  /** Where a file may be written; its folder need not be there yet. Throws `FileUnavailable`. */
  async writable(path: string): Promise<string> {
    const place = this.#place(path);
    const real = join(await this.#realFolder(dirname(place)), basename(place));
    await this.#check(real, path);
    return real;
  }

  /** Whether tasks may use what is at a place, a folder or a file. Of a place that is not there: whether they might. */
  async allows(path: string): Promise<boolean> {
    try {
      await this.#check(await this.#realFolder(this.#place(path)), path);
      return true;
    } catch (err) {
      if (err instanceof FileUnavailable) return false;
      throw err;
    }
  }

  #place(path: string): string {
    if (path === '' || path.includes('\0'))
      throw new FileUnavailable('FileInvalid', 'a path may not be empty or hold NUL');
    const place = resolve(this.#options.workFolder, path);
    if (!isAbsolute(path) && !isWithin(resolve(this.#options.workFolder), place))
      throw new FileUnavailable('FileDenied', `${path} leaves the agent's work folder; name the place from / on`);
    return place;
  }

  async #check(real: string, path: string): Promise<void> {
    const { roots } = this.#options;
    const isIn = async (folder: string): Promise<boolean> => isWithin(await this.#realFolder(resolve(folder)), real);
    if (await isIn(this.#options.workFolder)) return;
    for (const closed of this.#options.closed ?? [])
      if (await isIn(closed)) throw new FileUnavailable('FileDenied', `${path} is not for tasks to use`);
    if ((await isIn(this.#options.stateFolder)) || FORBIDDEN_FOLDERS.some((folder) => isWithin(folder, real)))
      throw new FileUnavailable('FileDenied', `${path} is not for tasks to use`);
    if (roots === undefined) return;
    for (const root of roots) if (await isIn(root)) return;
    throw new FileUnavailable(
      'FileDenied',
      `${path} is outside the folders that the agent allows (roots of the plugin file)`,
    );
  }

  /** A folder with its links followed as far as it is there. */
  async #realFolder(folder: string): Promise<string> {
    try {
      return await realpath(folder);
    } catch (err) {
      const { code } = err as NodeJS.ErrnoException;
      const parent = dirname(folder);
      if (code !== 'ENOENT' || parent === folder) throw unreadable(folder, err);
      return join(await this.#realFolder(parent), basename(folder));
    }
  }
}

/** Looks at a path without following a link at its end. Throws `FileUnavailable`. */
export async function lookAt(path: string): Promise<LocalFile> {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const found = await handle.stat();
    if (!found.isFile()) throw new FileUnavailable('FileInvalid', `${path} is not a regular file`);
    return { path, bytes: found.size, owner: found.uid };
  } catch (err) {
    throw err instanceof FileUnavailable ? err : unreadable(path, err);
  }
}

/** Whether a path is a folder or below it; both without links and dots. */
function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
}

function unreadable(path: string, err: unknown): FileUnavailable {
  const { code, message } = err as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new FileUnavailable('FileNotFound', `file not found: ${path}`, { cause: err });
  if (code === 'ELOOP') return new FileUnavailable('FileInvalid', `${path} is a symbolic link`, { cause: err });
  return new FileUnavailable('FileDenied', `${path} cannot be used: ${message}`, { cause: err });
}
