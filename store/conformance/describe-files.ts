import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ROLLBACK_FILE_TYPE } from '../files.ts';
import type { FileRecord, Files } from '../files.ts';
import type { MakeStore } from './describe-task-streams.ts';
import { partsOf } from './parts-of.ts';
import { readAll } from './read-all.ts';

/** Two different texts with one MD5 (Wang and others, 2004). */
const COLLISION = [
  `d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5b
d8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70`,
  `d131dd02c5e6eec4693d9a0698aff95c2fcab50712467eab4004583eb8fb7f8955ad340609f4b30283e4888325f1415a085125e8f7cdc99fd91dbd7280373c5b
d8823e3156348f5bae6dacd436c919c6dd53e23487da03fd02396306d248cda0e99f33420f577ee8ce54b67080280d1ec69821bcb6a8839396f965ab6ff72a70`,
].map((hex) => Buffer.from(hex.replace(/\s/g, ''), 'hex')) as [Buffer, Buffer];

async function* bytesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

async function add(files: Files, name: string, text: string): Promise<{ record: FileRecord; existed: boolean }> {
  return (await files.receive({ name, contentType: 'text/plain' }, partsOf(text))).commit();
}

const names = async (files: Files): Promise<string[]> =>
  (await files.list({ limit: 100, offset: 0 })).records.map(({ name }) => name);

/** What every implementation of Files does. */
export function describeFiles(name: string, makeStore: MakeStore): void {
  describe(`${name}: files`, () => {
    it('are what was received', async () => {
      await using store = await makeStore();
      const { record, existed } = await add(store.files, 'a.txt', 'Hello World');
      expect(existed).toBe(false);
      expect(record).toEqual({
        id: expect.stringMatching(/^file-[0-9a-z]{26}$/) as string,
        name: 'a.txt',
        path: expect.stringMatching(/\/a\.txt$/) as string,
        bytes: 11,
        contentType: 'text/plain',
        md5: createHash('md5').update('Hello World').digest('hex'),
        sha256: createHash('sha256').update('Hello World').digest('hex'),
        createdAt: expect.any(Number) as number,
      });
      expect(await store.files.get(record.id)).toEqual(record);
      expect(await readAll(store.files.read(record.id))).toBe('Hello World');
      expect(await readAll(store.files.read(record.id, { start: 6, end: 8 }))).toBe('Wor');
      const empty = await add(store.files, 'empty', '');
      expect(await readAll(store.files.read(empty.record.id))).toBe('');
      expect(store.files.totals()).toEqual({ count: 2, bytes: 11 });
    });

    it('are there once however often the same bytes are received', async () => {
      await using store = await makeStore();
      const first = await add(store.files, 'a.txt', 'same');
      expect(await add(store.files, 'b.txt', 'same')).toEqual({ record: first.record, existed: true });
      const both = await Promise.all(['c.txt', 'd.txt'].map((other) => add(store.files, other, 'twice')));
      expect(both.map(({ existed }) => existed).sort()).toEqual([false, true]);
      expect(both[0]?.record).toEqual(both[1]?.record);
      expect(store.files.totals()).toEqual({ count: 2, bytes: 9 });
    });

    it('are whose the bytes are once somebody brings those of a rollback', async () => {
      await using store = await makeStore();
      const receive = async (name: string, contentType: string): ReturnType<typeof add> =>
        (await store.files.receive({ name, contentType }, partsOf('DELETE FROM t;\n'))).commit();
      const { record: made } = await receive('rollback.sql', ROLLBACK_FILE_TYPE);
      const { record: own, existed } = await receive('mine.sql', 'text/plain');
      expect({ own, existed }).toMatchObject({ own: { id: made.id, name: 'mine.sql' }, existed: true });
      expect(own.contentType).toBe('text/plain');
      expect(await receive('rollback.sql', ROLLBACK_FILE_TYPE)).toEqual({ record: own, existed: true });
      expect(await store.files.delete(own.id, own.createdAt - 1)).toBe(false);
      expect(await readAll(store.files.read(own.id))).toBe('DELETE FROM t;\n');
      expect(await store.files.delete(own.id, own.createdAt)).toBe(true);
    });

    it('are two when only their MD5 is one', async () => {
      await using store = await makeStore();
      const records = [];
      for (const bytes of COLLISION) {
        const received = await store.files.receive({ name: 'x', contentType: 'text/plain' }, bytesOf(bytes));
        records.push((await received.commit()).record);
      }
      expect(records[0]?.md5).toBe('79054025255fb1a26e4bc422aef54eb4');
      expect(records[1]?.md5).toBe(records[0]?.md5);
      expect(records[1]?.id).not.toBe(records[0]?.id);
    });

    it('of one name have the id in front of the path of the later, whatever the case of its letters', async () => {
      await using store = await makeStore();
      const paths = [];
      for (const text of ['one', 'two', 'three'])
        paths.push((await add(store.files, text === 'three' ? 'A.TXT' : 'a.txt', text)).record);
      expect(paths.map(({ name: given }) => given)).toEqual(['a.txt', 'a.txt', 'A.TXT']);
      expect(paths[0]?.path).toMatch(/\/a\.txt$/);
      expect(paths[1]?.path).toMatch(new RegExp(`/${paths[1]?.id}-a\\.txt$`));
      expect(paths[2]?.path).toMatch(new RegExp(`/${paths[2]?.id}-A\\.TXT$`));
      for (const [index, text] of ['one', 'two', 'three'].entries())
        expect(await readAll(store.files.read(paths[index]?.id ?? ''))).toBe(text);
    });

    it('are none before they are committed, and after they were discarded', async () => {
      await using store = await makeStore();
      const file = { name: 'a.txt', contentType: 'text/plain' };
      await expect(store.files.receive(file, partsOf('abc', new Error('cut')))).rejects.toThrow('cut');
      const received = await store.files.receive(file, partsOf('abc'));
      expect(await names(store.files)).toEqual([]);
      await received.discard();
      await expect(received.commit()).rejects.toThrow();
      expect(await names(store.files)).toEqual([]);
      expect(store.usage.usedBytes).toBe(0);
      // Nothing is in the way of the name either.
      expect((await add(store.files, 'a.txt', 'abc')).record.path).toMatch(/\/a\.txt$/);
    });

    it('are listed newest first, page by page', async () => {
      await using store = await makeStore();
      for (const text of ['1', '2', '3', '4', '5']) await add(store.files, text, text);
      expect(await names(store.files)).toEqual(['5', '4', '3', '2', '1']);
      const { total, records } = await store.files.list({ limit: 2, offset: 1 });
      expect([total, records.map((record) => record.name)]).toEqual([5, ['4', '3']]);
      expect(await store.files.list({ limit: 0, offset: 0 })).toEqual({ total: 5, records: [] });
      expect(await store.files.list({ limit: 2, offset: 9 })).toEqual({ total: 5, records: [] });
    });

    it('are gone once deleted, and may come again', async () => {
      await using store = await makeStore();
      const { record } = await add(store.files, 'a.txt', 'Hello');
      expect(await store.files.delete(record.id)).toBe(true);
      expect(await store.files.delete(record.id)).toBe(false);
      expect(await store.files.get(record.id)).toBeUndefined();
      await expect(readAll(store.files.read(record.id))).rejects.toThrow();
      expect(store.usage.usedBytes).toBe(0);
      const again = await add(store.files, 'a.txt', 'Hello');
      expect(again).toMatchObject({ existed: false, record: { name: 'a.txt', path: record.path } });
      expect(again.record.id).not.toBe(record.id);
    });

    it.each(['', '.', '..', 'a/b', 'a\0b', 'x'.repeat(201)])('refuse the name %j', async (bad) => {
      await using store = await makeStore();
      await expect(add(store.files, bad, 'x')).rejects.toMatchObject({ code: 'InvalidName' });
    });
  });
}
