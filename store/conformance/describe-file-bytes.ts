import { describe, expect, it } from 'vitest';
import type { FileBytes } from '../file-bytes.ts';
import { partsOf } from './parts-of.ts';
import { readAll } from './read-all.ts';

/** What every implementation of FileBytes does. `makeBytes` makes an empty one; `await using` removes it. */
export function describeFileBytes(name: string, makeBytes: () => Promise<FileBytes & AsyncDisposable>): void {
  describe(`${name}: bytes of files`, () => {
    it('are read as they were put, whole or in part', async () => {
      await using bytes = await makeBytes();
      await bytes.put('a.txt', partsOf('Hello ', 'World'));
      expect(await readAll(bytes.read('a.txt', { start: 0, end: 10 }))).toBe('Hello World');
      expect(await readAll(bytes.read('a.txt', { start: 6, end: 10 }))).toBe('World');
      expect(await readAll(bytes.read('a.txt', { start: 0, end: 0 }))).toBe('H');
      expect(bytes.pathOf('a.txt')).toMatch(/a\.txt$/);
    });

    it('may be none', async () => {
      await using bytes = await makeBytes();
      await bytes.put('empty', partsOf());
      expect(await readAll(bytes.read('empty', { start: 0, end: -1 }))).toBe('');
    });

    it.each(['ä 漢字 🦊.sql', '%2e%2e', 'a+b&c=d?e#f', '.hidden', '\'quoted\' "twice"', 'x'.repeat(200)])(
      'may have the key %s',
      async (key) => {
        await using bytes = await makeBytes();
        await bytes.put(key, partsOf('x'));
        expect(await readAll(bytes.read(key, { start: 0, end: 0 }))).toBe('x');
        await bytes.delete(key);
        await expect(readAll(bytes.read(key, { start: 0, end: 0 }))).rejects.toThrow();
      },
    );

    it('replace what is there', async () => {
      await using bytes = await makeBytes();
      await bytes.put('a', partsOf('longer'));
      await bytes.put('a', partsOf('new'));
      expect(await readAll(bytes.read('a', { start: 0, end: 2 }))).toBe('new');
      await expect(readAll(bytes.read('a', { start: 0, end: 5 }))).rejects.toThrow();
    });

    it('may be tens of megabytes', async () => {
      await using bytes = await makeBytes();
      const megabyte = Buffer.alloc(1024 * 1024, 'x');
      async function* many(): AsyncGenerator<Uint8Array> {
        for (let n = 0; n < 40; n += 1) yield await Promise.resolve(megabyte);
        yield Buffer.from('end');
      }
      await bytes.put('large', many());
      const size = 40 * megabyte.length + 3;
      expect(await readAll(bytes.read('large', { start: size - 4, end: size - 1 }))).toBe('xend');
    });

    it('reject with what the source failed with, and leave nothing once deleted', async () => {
      await using bytes = await makeBytes();
      const cut = new Error('cut');
      await expect(bytes.put('small', partsOf('abc', cut))).rejects.toBe(cut);
      await expect(bytes.put('large', partsOf('x'.repeat(40 * 1024 * 1024), cut))).rejects.toBe(cut);
      for (const key of ['small', 'large', 'never there']) {
        await bytes.delete(key);
        await expect(readAll(bytes.read(key, { start: 0, end: 0 }))).rejects.toThrow();
      }
    });

    it('of which one is deleted leave the others alone', async () => {
      await using bytes = await makeBytes();
      for (const key of ['a', 'ab', 'abc']) await bytes.put(key, partsOf(key));
      await bytes.delete('a');
      await bytes.delete('a');
      expect(await readAll(bytes.read('ab', { start: 0, end: 1 }))).toBe('ab');
      expect(await readAll(bytes.read('abc', { start: 0, end: 2 }))).toBe('abc');
    });
  });
}
