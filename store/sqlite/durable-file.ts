import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Writes all of `bytes` at `offset` and waits until they are on the disk. When it fails the file is cut back to `offset`. */
export async function writeDurably(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
      done += bytesWritten;
    }
    await file.datasync();
  } catch (err) {
    // Gives the room back. Should this fail too, the bytes beyond `offset` are written over by the next try.
    await file.truncate(offset).catch(() => undefined);
    throw err;
  } finally {
    await file.close();
  }
}

/** Makes the creation or removal of a file in `folder` durable. */
export async function syncDirectory(folder: string): Promise<void> {
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
