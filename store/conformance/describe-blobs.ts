import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { MakeStore } from './describe-task-streams.ts';
import { partsOf } from './parts-of.ts';
import { readAll } from './read-all.ts';

/** What every implementation of Blobs does. */
export function describeBlobs(name: string, makeStore: MakeStore): void {
  describe(`${name}: blobs`, () => {
    it('are read as they were put, from bytes or from a stream', async () => {
      await using store = await makeStore();
      const info = await store.blobs.put('b:1', 'owner', Buffer.from('Hello'));
      expect(info).toMatchObject({ id: 'b:1', owner: 'owner', bytes: 5 });
      expect(info.sha256).toBe(createHash('sha256').update('Hello').digest('hex'));
      expect(await store.blobs.stat('b:1')).toEqual(info);
      expect(await readAll(store.blobs.read('b:1'))).toBe('Hello');
      await store.blobs.put('b:2', 'owner', partsOf('a', 'b', 'c'));
      expect(await readAll(store.blobs.read('b:2'))).toBe('abc');
      await store.blobs.put('b:3', 'owner', Buffer.alloc(0));
      expect(await readAll(store.blobs.read('b:3'))).toBe('');
    });

    it('are replaced as a whole or not at all', async () => {
      await using store = await makeStore({ maxBytes: 100 });
      await store.blobs.put('b', 'one', Buffer.from('old'));
      await expect(store.blobs.put('b', 'two', partsOf('new', new Error('cut')))).rejects.toThrow('cut');
      await expect(store.blobs.put('b', 'two', Buffer.alloc(200))).rejects.toMatchObject({ code: 'StoreFull' });
      expect(await readAll(store.blobs.read('b'))).toBe('old');
      expect(store.usage.usedBytes).toBe(3);
      await store.blobs.put('b', 'two', Buffer.from('newer'));
      expect(await readAll(store.blobs.read('b'))).toBe('newer');
      expect(store.usage.usedBytes).toBe(5);
      expect((await store.blobs.stat('b'))?.owner).toBe('two');
    });

    it('are listed, and gone once deleted', async () => {
      await using store = await makeStore();
      for (const id of ['b1', 'b2', 'b3']) await store.blobs.put(id, 'owner', Buffer.from(id));
      await store.blobs.delete('b2');
      await store.blobs.delete('b2');
      const ids: string[] = [];
      for await (const { id } of store.blobs.list()) ids.push(id);
      expect(ids).toEqual(['b1', 'b3']);
      expect(await store.blobs.stat('b2')).toBeUndefined();
      await expect(readAll(store.blobs.read('b2'))).rejects.toThrow();
    });

    it.each(['', '../x', 'a/b', 'a\0b', 'x'.repeat(254)])('refuse the id %j', async (id) => {
      await using store = await makeStore();
      const put = async (): Promise<unknown> => store.blobs.put(id, 'owner', Buffer.from('x'));
      await expect(put()).rejects.toMatchObject({ code: 'InvalidName' });
    });
  });
}
