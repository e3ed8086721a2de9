import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StorageError } from './commit-queue.ts';
import { ObjectStore, ObjectTooLargeError, TooManyWritesError } from './object-store.ts';
import type { ObjectStoreOptions } from './object-store.ts';
import { keyOf, keyRange } from './stored-object.ts';

const THINGS = 'test.io/things';
const all = keyRange(THINGS, '');

describe('ObjectStore', () => {
  let directory = '';
  let store: ObjectStore;
  const open = async (options: Partial<ObjectStoreOptions> = {}): Promise<ObjectStore> =>
    (store = await ObjectStore.open({ directory, ...options }));
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'tiangong-store-'))));
  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const key = (name: string, namespace = 'default'): string => keyOf(THINGS, namespace, name);
  function put(name: string, value: unknown, namespace = 'default'): Promise<void> {
    const previous = store.latest(key(name, namespace));
    const object = { metadata: { name, namespace }, value };
    return store.write(previous === undefined ? 'ADDED' : 'MODIFIED', key(name, namespace), object, previous).durable;
  }
  function remove(name: string): Promise<void> {
    const previous = store.latest(key(name));
    if (previous === undefined) throw new Error(`${name} is not there`);
    return store.write('DELETED', key(name), previous.object, previous).durable;
  }
  const valueOf = (name: string): unknown => (store.get(key(name))?.object as { value?: unknown } | undefined)?.value;
  const names = (asOf = store.revision): string[] =>
    store.list(all.start, all.end, asOf, 1_000).map((listed) => listed.key.slice(all.start.length));

  it('shows a write to reads only once it is on the disk, and to the next write at once', async () => {
    await open();
    const done = put('a', 1);
    expect(store.get(key('a'))).toBeUndefined();
    expect(store.latest(key('a'))?.object).toMatchObject({ value: 1 });
    await done;
    expect(valueOf('a')).toBe(1);
  });

  it('numbers writes without gaps over all kinds and puts the number into the object', async () => {
    await open();
    const before = store.revision;
    await Promise.all([put('a', 1), put('b', 1), put('a', 2)]);
    expect(store.revision).toBe(before + 3);
    expect(store.get(key('a'))?.object.metadata.resourceVersion).toBe(String(before + 3));
    expect(store.get(key('b'))?.object.metadata.resourceVersion).toBe(String(before + 2));
  });

  it('tells listeners of changes in order, before the writer goes on', async () => {
    await open();
    const seen: string[] = [];
    store.onChanges((changes) => {
      for (const { type, current, previous } of changes)
        seen.push(`${type} ${current.object.metadata.name} ${String(previous?.revision ?? '-')}`);
    });
    const first = store.revision + 1;
    await put('a', 1);
    expect(seen).toEqual(['ADDED a -']);
    await Promise.all([put('a', 2), remove('a')]);
    expect(seen).toEqual(['ADDED a -', `MODIFIED a ${first}`, `DELETED a ${first + 1}`]);
    expect(store.get(key('a'))).toBeUndefined();
  });

  it('lists in the order of namespace and name as etcd does', async () => {
    await open();
    await Promise.all([put('b', 1), put('a', 1), put('a', 1, 'default-2'), put('c', 1, 'a')]);
    expect(names()).toEqual(['a/c', 'default-2/a', 'default/a', 'default/b']);
  });

  it('lists as of an older revision whatever was written since', async () => {
    await open();
    await Promise.all([put('a', 1), put('b', 1)]);
    const then = store.revision;
    await Promise.all([put('a', 2), remove('b'), put('c', 1)]);
    expect(names(then)).toEqual(['default/a', 'default/b']);
    const [first] = store.list(all.start, all.end, then, 1);
    expect(first && store.at(first).object).toMatchObject({ value: 1 });
    expect(names()).toEqual(['default/a', 'default/c']);
    expect(store.count(all.start, all.end, then)).toBe(2);
  });

  it('has its objects, its revision and its history after it is opened again', async () => {
    await open();
    const start = store.revision;
    await put('a', 1);
    await put('a', 2);
    await put('b', 1);
    await remove('b');
    const { revision } = store;
    await store.close();
    await open();
    expect(store.revision).toBe(revision);
    expect(valueOf('a')).toBe(2);
    const changes = store.changesAfter(start, all.start, all.end, 100);
    expect(changes.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'ADDED', 'DELETED']);
    expect(changes[1]?.previous?.object).toMatchObject({ value: 1 });
    expect(changes[3]?.current.object.metadata.resourceVersion).toBe(String(revision));
  });

  it('never gives a revision twice, even when the last write was a delete that compaction dropped', async () => {
    await open({ historyRevisions: 0 });
    for (let index = 0; index < 600; index += 1) void put('a', index);
    await remove('a');
    store.compact();
    await store.flushed();
    const { revision } = store;
    await store.close();
    await open();
    expect(store.revision).toBe(revision);
  });

  it('forgets history beyond its bound, but no object and no state that history still needs', async () => {
    await open({ historyRevisions: 100 });
    await put('kept', 'old');
    for (let index = 0; index < 2_000; index += 1) await Promise.all([put('a', index), put('b', index)]);
    expect(store.compactedRevision).toBeGreaterThan(store.revision - 1_200);
    expect(valueOf('kept')).toBe('old');
    expect(valueOf('a')).toBe(1_999);
    const changes = store.changesAfter(store.compactedRevision, all.start, all.end, 10_000);
    expect(changes).toHaveLength(store.revision - store.compactedRevision);
    for (const { previous } of changes) expect(previous).toBeDefined();
  });

  it('forgets history that is too old', async () => {
    await open({ historyMs: 0 });
    await put('a', 1);
    store.compact();
    await put('a', 2);
    const { revision } = store;
    store.compact();
    expect(store.compactedRevision).toBeLessThanOrEqual(revision);
    expect(valueOf('a')).toBe(2);
  });

  it('refuses a second owner of its folder and names the first', async () => {
    await open();
    await expect(ObjectStore.open({ directory })).rejects.toThrow(
      new RegExp(`${directory} is in use by another process \\(pid ${process.pid}\\)`),
    );
  });

  it('refuses writes while the disk is full, loses nothing, and takes them again once there is room', async () => {
    await open();
    await put('a', 'before');
    store.limitPages(60);
    const big = 'x'.repeat(20_000);
    const results: PromiseSettledResult<void>[] = [];
    while (results.at(-1)?.status !== 'rejected')
      results.push(...(await Promise.allSettled([put(`big-${results.length}`, big)])));
    expect(results.at(-1)).toMatchObject({ reason: { name: 'StorageError', full: true } });
    await expect(put('a', big)).rejects.toThrow(StorageError);
    expect(valueOf('a')).toBe('before');
    expect(store.latest(key('a'))?.object).toMatchObject({ value: 'before' });
    store.limitPages(100_000);
    await put('a', 'after');
    expect(valueOf('a')).toBe('after');
    await store.close();
    await open();
    expect(valueOf('a')).toBe('after');
    for (const [index, { status }] of results.entries())
      expect(valueOf(`big-${index}`)).toBe(status === 'fulfilled' ? big : undefined);
  });

  it('refuses objects that are too large and writes beyond the bound of its queue', async () => {
    await open({ maxObjectBytes: 1_000, maxPending: 2 });
    expect(() => put('a', '中'.repeat(400))).toThrow(ObjectTooLargeError);
    const accepted = [put('a', 1), put('b', 1)];
    expect(() => put('c', 1)).toThrow(TooManyWritesError);
    await Promise.all(accepted);
    await put('c', 1);
    expect(names()).toHaveLength(3);
  });

  it('reads from the disk what its memory does not hold', async () => {
    await open({ cacheBytes: 2_000 });
    for (let index = 0; index < 50; index += 1) await put(`object-${index}`, 'x'.repeat(100));
    for (let index = 0; index < 50; index += 1) expect(valueOf(`object-${index}`)).toBe('x'.repeat(100));
  });

  it('finishes writes under way when it is closed, and takes none after that', async () => {
    await open();
    const pending = put('a', 1);
    const closing = store.close();
    await pending;
    await closing;
    const write = store.write('ADDED', key('b'), { metadata: { name: 'b' } }, undefined);
    await expect(write.durable).rejects.toThrow(/closed/);
    expect(() => store.get(key('never-read'))).toThrow();
  });
});
