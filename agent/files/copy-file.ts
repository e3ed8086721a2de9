import { constants } from 'node:fs';
import { copyFile, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { freeAboveReserve } from '../output/disk-reserve.ts';

export interface CopyOptions {
  readonly signal: AbortSignal;
  /** The permission bits of the copy. */
  readonly mode: number;
  /** What the copy will have. */
  readonly bytes: number;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Copies a file to a path in an existing folder, replacing what is there, and resolves when it is on the disk. It shares
 * the blocks with the source where the file system can, and never the inode: changes of one are not seen in the other.
 * Rejects with the file system's error or the signal's reason, and leaves nothing then.
 */
export async function copyDurably(source: string, target: string, options: CopyOptions): Promise<void> {
  const { signal, bytes, mode } = options;
  signal.throwIfAborted();
  // A link that somebody put there must not lead the copy elsewhere.
  await rm(target, { force: true });
  try {
    const shared = await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE).then(
      () => true,
      () => false,
    );
    if (!shared && bytes > freeAboveReserve(dirname(target)))
      throw new Error(`the disk of ${dirname(target)} has no room for ${bytes} bytes`);
    await using copy = await open(target, shared ? 'r+' : 'wx', mode);
    if (!shared) await copyBytes(source, copy, signal);
    await copy.chmod(mode);
    await copy.sync();
  } catch (err) {
    await rm(target, { force: true });
    throw err;
  }
}

async function copyBytes(source: string, copy: FileHandle, signal: AbortSignal): Promise<void> {
  await using original = await open(source, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await original.read(buffer, 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return;
    for (let written = 0; written < bytesRead;)
      written += (await copy.write(buffer, written, bytesRead - written)).bytesWritten;
  }
}
