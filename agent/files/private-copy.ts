import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copyDurably } from './copy-file.ts';
import type { TaskFile } from './task-file.ts';

/** A file that a program of a task may do with as it likes. */
export interface PrivateCopy {
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * Copies a task's file into a new folder, under its own name. A link to the cache would let the program change what the
 * next task gets. Rejects with the file system's error or the signal's reason, and leaves nothing then.
 */
export async function privateCopy(file: TaskFile, folder: string, signal: AbortSignal): Promise<PrivateCopy> {
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await mkdir(folder, { mode: 0o700 });
    const path = join(folder, file.name);
    await copyDurably(file.path, path, { signal, mode: 0o600, bytes: file.bytes });
    return { path, remove };
  } catch (err) {
    await remove();
    throw err;
  }
}
