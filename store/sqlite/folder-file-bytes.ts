import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteRange, FileBytes } from '../file-bytes.ts';
import { StoreError } from '../store-error.ts';
import { asStoreFull } from './capacity.ts';
import type { Capacity } from './capacity.ts';
import { syncDirectory } from './durable-file.ts';

/** One file each, under its key, in a folder that nothing else writes to. */
export class FolderFileBytes implements FileBytes {
  readonly place = 'folder';
  readonly room: Capacity;
  readonly #folder: string;

  constructor(folder: string, room: Capacity) {
    this.#folder = folder;
    this.room = room;
  }

  pathOf(key: string): string {
    return join(this.#folder, key);
  }

  async put(key: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      const handle = await open(this.pathOf(key), 'w', 0o600);
      try {
        for await (const part of source) await handle.appendFile(part);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await syncDirectory(this.#folder);
    } catch (err) {
      throw asStoreFull(err);
    }
  }

  async *read(key: string, { start, end }: ByteRange): AsyncGenerator<Uint8Array> {
    let left = end - start + 1;
    if (left <= 0) return;
    try {
      for await (const part of createReadStream(this.pathOf(key), { start, end }) as AsyncIterable<Buffer>) {
        left -= part.length;
        yield part;
      }
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err;
    }
    if (left > 0)
      throw new StoreError(
        'BytesMissing',
        `${left} bytes of ${this.pathOf(key)} are missing from the store: upload the file again`,
      );
  }

  async delete(key: string): Promise<void> {
    await rm(this.pathOf(key), { force: true });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
