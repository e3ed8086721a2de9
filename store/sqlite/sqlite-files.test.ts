import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeFiles } from '../conformance/describe-files.ts';
import { partsOf } from '../conformance/parts-of.ts';
import { readAll } from '../conformance/read-all.ts';
import type { FileBytes } from '../file-bytes.ts';
import type { FileRecord } from '../files.ts';
import { StoreError } from '../store-error.ts';
import { SqliteStore } from './sqlite-store.ts';
import { temporaryStore } from './temporary-store.ts';

describeFiles('SqliteStore', temporaryStore);

/** Keeps bytes in memory and fails when told to. */
class UnreliablePlace implements FileBytes {
  readonly place = 's3://bucket/';
  readonly room = { reserve: () => undefined, release: () => undefined };
  readonly kept = new Map<string, Buffer>();
  isAway = false;

  pathOf(key: string): string {
    return this.place + key;
  }

  async put(key: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const part of source) {
      parts.push(part);
      this.kept.set(key, Buffer.concat(parts));
    }
    this.#check();
  }

  async *read(key: string): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(this.kept.get(key) ?? Buffer.alloc(0));
  }

  async delete(key: string): Promise<void> {
    this.#check();
    this.kept.delete(key);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #check(): void {
    if (this.isAway) throw new StoreError('StoreUnavailable', 'away');
  }
}

describe('SqliteFiles', () => {
  let folder: string;
  const open = (maxBytes = 1024 ** 3, fileBytes?: FileBytes): Promise<SqliteStore> =>
    SqliteStore.open({ folder, maxBytes, ...(fileBytes && { fileBytes }) });
  const file = { name: 'a.txt', contentType: 'text/plain' };
  const add = async (store: SqliteStore, text: string): Promise<FileRecord> =>
    (await (await store.files.receive(file, partsOf(text))).commit()).record;
  const filesOnDisk = (): Promise<string[]> => readdir(join(folder, 'files'));

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tiangong-store-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('has everything again after it was closed, and counts it', async () => {
    const store = await open();
    const record = await add(store, 'kept');
    expect(store.usage.usedBytes).toBe(4);
    await store.close();
    const again = await open();
    expect(await again.files.get(record.id)).toEqual(record);
    expect(again.usage.usedBytes).toBe(4);
    await again.close();
  });

  it.each([
    ['gone', (path: string) => rm(path)],
    ['cut', (path: string) => writeFile(path, 'ke')],
    ['damaged', (path: string) => writeFile(path, 'keqt')],
  ])('mends a file whose bytes are %s when they are uploaded again', async (_how, harm) => {
    const store = await open();
    const record = await add(store, 'kept');
    await harm(record.path);
    const again = await add(store, 'kept');
    expect(again).toMatchObject({ id: record.id, name: 'a.txt' });
    expect(await readAll(store.files.read(record.id))).toBe('kept');
    expect(store.usage.usedBytes).toBe(4);
    expect(store.files.totals()).toEqual({ count: 1, bytes: 4 });
    expect(await filesOnDisk()).toHaveLength(1);
    expect(await add(store, 'kept')).toEqual(again);
    await store.close();
  });

  it('removes at open what was received and never committed', async () => {
    const store = await open();
    await add(store, 'kept');
    await store.files.receive(file, partsOf('never committed'));
    await store.close();
    expect(await filesOnDisk()).toHaveLength(2);
    const again = await open();
    expect(await filesOnDisk()).toEqual(['a.txt']);
    expect(again.usage.usedBytes).toBe(4);
    await again.close();
  });

  it('has every acknowledged file and nothing else after kill -9 in the middle of uploads', async () => {
    const child = fork(join(import.meta.dirname, 'files-crash-writer.ts'), [folder], { stdio: 'inherit' });
    const acknowledged: string[] = [];
    const exited = once(child, 'exit');
    child.on('message', (id) => {
      acknowledged.push(id as string);
      if (acknowledged.length === 30) child.kill('SIGKILL');
    });
    await exited;
    const store = await open();
    const { records } = await store.files.list({ limit: 1000, offset: 0 });
    expect(records.map(({ id }) => id)).toEqual(expect.arrayContaining(acknowledged));
    for (const { id, bytes } of records) {
      let read = 0;
      for await (const part of store.files.read(id)) read += part.length;
      expect(read).toBe(bytes);
    }
    expect(await filesOnDisk()).toHaveLength(records.length);
    expect(store.usage.usedBytes).toBe(store.files.totals().bytes);
    await store.close();
  });

  it('keeps nothing of a file that the store has no room for', async () => {
    const store = await open(100);
    await expect(store.files.receive(file, partsOf('x'.repeat(60), 'y'.repeat(60)))).rejects.toMatchObject({
      code: 'StoreFull',
    });
    expect(await filesOnDisk()).toEqual([]);
    expect(store.usage.usedBytes).toBe(0);
    await add(store, 'x'.repeat(100));
    await store.close();
  });

  it('says StoreFull when the disk is full, and goes on when there is room again', async () => {
    const store = await open();
    // Every write to /dev/full fails as on a full disk.
    await symlink('/dev/full', join(folder, 'files', 'a.txt'));
    await expect(store.files.receive(file, partsOf('x'))).rejects.toMatchObject({ code: 'StoreFull' });
    expect(store.usage.usedBytes).toBe(0);
    expect(await filesOnDisk()).toEqual([]);
    expect((await add(store, 'x')).path).toBe(join(folder, 'files', 'a.txt'));
    await store.close();
  });

  it('fails a read whose bytes are not all there', async () => {
    const store = await open();
    const { id, path } = await add(store, 'Hello');
    await writeFile(path, 'Hel');
    await expect(readAll(store.files.read(id))).rejects.toMatchObject({ code: 'BytesMissing' });
    await rm(path);
    await expect(readAll(store.files.read(id))).rejects.toMatchObject({ code: 'BytesMissing' });
    await store.close();
  });

  it('lets nobody but its own user read what it holds', async () => {
    await chmod(folder, 0o755);
    const store = await open();
    const { path } = await add(store, 'secret');
    expect((await stat(path)).mode & 0o077).toBe(0);
    expect((await stat(join(folder, 'files'))).mode & 0o077).toBe(0);
    await store.close();
  });

  describe('with a place of their own', () => {
    it('puts new files there and counts none of their bytes; older ones stay readable where they are', async () => {
      const before = await open();
      const old = await add(before, 'old');
      await before.close();
      const place = new UnreliablePlace();
      const store = await open(1024 ** 3, place);
      const record = await add(store, 'new');
      expect(record.path).toBe('s3://bucket/a.txt');
      expect(await readAll(store.files.read(old.id))).toBe('old');
      expect(await readAll(store.files.read(record.id))).toBe('new');
      expect(store.usage.usedBytes).toBe(3);
      await store.close();

      const without = await open();
      expect(await without.files.get(record.id)).toMatchObject({ name: 'a.txt' });
      await expect(readAll(without.files.read(record.id))).rejects.toMatchObject({ code: 'StoreUnavailable' });
      await without.close();
    });

    it('removes what an upload left when the place is there again, and meanwhile opens all the same', async () => {
      const place = new UnreliablePlace();
      const store = await open(1024 ** 3, place);
      const deleted = await add(store, 'deleted while it is away');
      place.isAway = true;
      await expect(add(store, 'x')).rejects.toMatchObject({ code: 'StoreUnavailable' });
      expect(await store.files.delete(deleted.id)).toBe(true);
      expect(await store.files.get(deleted.id)).toBeUndefined();
      expect(place.kept.size).toBe(2);
      await expect(store.files.sweep()).rejects.toThrow('away');
      await store.close();

      const again = await open(1024 ** 3, place);
      expect(place.kept.size).toBe(2);
      place.isAway = false;
      await again.files.sweep();
      expect(place.kept.size).toBe(0);
      await again.close();
    });
  });
});
