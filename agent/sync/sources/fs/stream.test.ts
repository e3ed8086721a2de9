import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, linkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PositionLostError } from '../../source.ts';
import { WatchedFolder } from './testing/watched-folder.ts';

const { signal } = new AbortController();
const FROM_NOW = { subscriber: 'a test', checkpoint: undefined, afterIndex: -1, wanted: undefined };

function outside(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tiangong-outside-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('FileBus', () => {
  it('tells of a new file once, when it is closed, with all that was written', async () => {
    const folder = new WatchedFolder();
    // However long a busy machine takes between two writes.
    const watcher = await folder.watch({ max_sync_delay_seconds: 3600 });
    const file = await open(folder.at('slow'), 'w');
    for (const part of ['a', 'b', 'c']) {
      await file.write(part);
      writeFileSync(folder.at(`meanwhile-${part}`), '');
      await watcher.untilTold(`+meanwhile-${part}`);
    }
    expect(watcher.told).not.toContain('+slow');
    await file.close();
    await watcher.untilTold('+slow');
    writeFileSync(folder.at('last'), '');
    await watcher.untilTold('+last');
    expect(watcher.told.filter((one) => one === '+slow')).toHaveLength(1);
    expect(watcher.rows.get('slow')).toMatchObject({ size: 3, is_dir: false });
  });

  it('tells of a file that nobody writes to for a while though it is open', async () => {
    const folder = new WatchedFolder();
    const watcher = await folder.watch({ max_sync_delay_seconds: 0.05 });
    const file = await open(folder.at('open'), 'w');
    await file.write('abc');
    await watcher.untilTold('+open');
    await file.close();
  });

  it('fails when another folder is at the path of the root, of which the kernel tells nothing', async () => {
    const folder = new WatchedFolder();
    const targets = ['one', 'two'].map((name) => join(outside(), name));
    for (const target of targets) mkdirSync(target);
    const link = folder.at('current');
    symlinkSync(targets[0]!, link);
    const source = folder.source({}, {}, link);
    const subscription = await source.openBus!().subscribe(FROM_NOW, signal);
    await subscription.read(10, 10, signal);
    symlinkSync(targets[1]!, folder.at('next'));
    renameSync(folder.at('next'), link);
    await expect
      .poll(() => subscription.read(10, 10, signal).catch((err: unknown) => err))
      .toBeInstanceOf(PositionLostError);
  });

  it('leaves out a folder whose path is too long, and tells of all others', async () => {
    const folder = new WatchedFolder();
    const watcher = await folder.watch();
    const name = 'x'.repeat(250);
    const start = process.cwd();
    process.chdir(folder.path);
    try {
      for (let depth = 0; depth < 18; depth += 1) {
        mkdirSync(name);
        process.chdir(name);
      }
    } finally {
      process.chdir(start);
    }
    writeFileSync(folder.at('other'), '');
    await watcher.untilTold(`+${name}`, '+other');
  });

  it('tells of links at once, for nobody closes them', async () => {
    const folder = new WatchedFolder();
    writeFileSync(folder.at('file'), 'abc');
    const watcher = await folder.watch({ max_sync_delay_seconds: 3600 });
    linkSync(folder.at('file'), folder.at('hard'));
    symlinkSync('nowhere', folder.at('symbolic'));
    symlinkSync('.', folder.at('circle'));
    await watcher.untilTold('+hard', '+symbolic', '+circle');
    expect(watcher.rows.get('circle')).toMatchObject({ is_dir: false });
  });

  it('tells of folders, and of all in them however soon it is there', async () => {
    const folder = new WatchedFolder();
    const watcher = await folder.watch();
    const expected: string[] = [];
    for (let at = 0; at < 50; at += 1) {
      mkdirSync(folder.at(`a${at}`, 'b', 'c'), { recursive: true });
      writeFileSync(folder.at(`a${at}`, 'b', 'c', 'file'), 'x');
      expected.push(`a${at}`, `a${at}/b`, `a${at}/b/c`, `a${at}/b/c/file`);
    }
    await watcher.until(({ rows }) => rows.size === expected.length);
    expect([...watcher.rows.keys()].sort()).toEqual(expected.sort());
    expect(watcher.rows.get('a1/b')).toMatchObject({ is_dir: true });
  });

  it('tells of a folder that was moved within, away and back, with all below it', async () => {
    const folder = new WatchedFolder();
    mkdirSync(folder.at('a', 'b'), { recursive: true });
    for (const name of ['one', 'two']) writeFileSync(folder.at('a', 'b', name), name);
    const watcher = await folder.watch();
    const below = ['', '/b', '/b/one', '/b/two'];
    renameSync(folder.at('a'), folder.at('z'));
    await watcher.untilTold(...below.map((one) => `-a${one}`), ...below.map((one) => `+z${one}`));
    writeFileSync(folder.at('z', 'b', 'three'), '');
    await watcher.untilTold('+z/b/three');
    const elsewhere = join(outside(), 'z');
    renameSync(folder.at('z'), elsewhere);
    await watcher.untilTold(...[...below, '/b/three'].map((one) => `-z${one}`));
    writeFileSync(join(elsewhere, 'b', 'four'), '');
    renameSync(elsewhere, folder.at('back'));
    await watcher.untilTold(...[...below, '/b/three', '/b/four'].map((one) => `+back${one}`));
    expect(watcher.rows.size).toBe(6);
  });

  it('tells of what became of many changes of a path while nobody read, and of nothing that came to nothing', async () => {
    const folder = new WatchedFolder();
    writeFileSync(folder.at('old'), 'x');
    const watcher = await folder.watch();
    await watcher.read();
    for (let version = 0; version < 200; version += 1) writeFileSync(folder.at('busy'), 'x'.repeat(version));
    for (let at = 0; at < 200; at += 1) {
      writeFileSync(folder.at('temporary'), 'x');
      rmSync(folder.at('temporary'));
    }
    writeFileSync(folder.at('saved.tmp'), 'saved');
    renameSync(folder.at('saved.tmp'), folder.at('saved'));
    rmSync(folder.at('old'));
    await expect.poll(() => watcher.subscription.bus.statistics.bus_queue_size).toBeGreaterThan(0);
    await watcher.untilTold('+saved', '-old', '+busy');
    expect(watcher.rows.get('busy')).toMatchObject({ size: 199 });
    expect([...watcher.rows.keys()].sort()).toEqual(['busy', 'saved']);
  });

  it('gives again what was read and not committed', async () => {
    const folder = new WatchedFolder();
    const watcher = await folder.watch();
    await watcher.read();
    writeFileSync(folder.at('file'), 'x');
    const read = async (): Promise<unknown> =>
      (await watcher.subscription.read(10, 1_000, signal)).map(({ event }) => event?.rows[0]?.['size']);
    await expect.poll(read).toEqual([1]);
    writeFileSync(folder.at('file'), 'xy');
    watcher.subscription.rewind();
    await expect.poll(read).toEqual([2]);
    watcher.subscription.rewind();
    await watcher.untilTold('+file');
    expect(watcher.told).toEqual(['+file']);
  });

  it('tells after a start of what happened while nobody watched, deletions too', async () => {
    const folder = new WatchedFolder();
    mkdirSync(folder.at('gone', 'below'), { recursive: true });
    for (const name of ['same', 'changed', 'deleted', 'replaced', 'gone/below/file'])
      writeFileSync(folder.at(name), 'x');
    const first = await folder.watch();
    writeFileSync(folder.at('told'), 'x');
    await first.untilTold('+told');
    const checkpoint = await first.stop();
    writeFileSync(folder.at('changed'), 'xy');
    rmSync(folder.at('deleted'));
    rmSync(folder.at('gone'), { recursive: true });
    rmSync(folder.at('replaced'));
    mkdirSync(folder.at('replaced'));
    writeFileSync(folder.at('replaced', 'new'), 'x');
    const second = await folder.watch({}, checkpoint);
    const expected = ['+changed', '+replaced', '+replaced/new', '-deleted', '-gone', '-gone/below', '-gone/below/file'];
    await second.untilTold(...expected);
    expect(second.told.sort()).toEqual(expected);
    expect(second.entries.every(({ index }) => index > checkpoint.index)).toBe(true);
  });

  it('says when another folder is at the place of the one that was watched', async () => {
    const folder = new WatchedFolder();
    writeFileSync(folder.at('file'), 'x');
    const watcher = await folder.watch();
    await watcher.read();
    const checkpoint = await watcher.stop();
    renameSync(folder.path, join(outside(), 'moved'));
    mkdirSync(folder.path);
    await expect(folder.watch({}, checkpoint)).rejects.toThrow(PositionLostError);
  });

  it('never tells that all is gone because the folder itself is', async () => {
    const folder = new WatchedFolder();
    writeFileSync(folder.at('file'), 'x');
    const watcher = await folder.watch();
    await watcher.read();
    const elsewhere = join(outside(), 'moved');
    renameSync(folder.path, elsewhere);
    await expect
      .poll(() => watcher.read().catch((err: unknown) => err))
      .toMatchObject({ reason: 'FolderGone', retryable: true });
    expect(watcher.told).toEqual([]);
    expect(watcher.subscription.bus.state).toBe('ERROR');
  });

  it('goes on when the folder is back soon', async () => {
    const folder = new WatchedFolder();
    const watcher = await folder.watch();
    await watcher.read();
    const elsewhere = join(outside(), 'moved');
    renameSync(folder.path, elsewhere);
    renameSync(elsewhere, folder.path);
    writeFileSync(folder.at('file'), 'x');
    await watcher.untilTold('+file');
    writeFileSync(folder.at('second'), 'x');
    await watcher.untilTold('+second');
  });

  it('leaves out files of other names than asked for, and tells that those are gone which were told of before', async () => {
    const folder = new WatchedFolder();
    mkdirSync(folder.at('folder'));
    for (const name of ['a.csv', 'b.txt', 'folder/c.csv', 'folder/d.txt']) writeFileSync(folder.at(name), 'x');
    const all = await folder.watch();
    await all.read();
    const checkpoint = await all.stop();
    const some = await folder.watch({ file_pattern: '*.csv' }, checkpoint);
    writeFileSync(folder.at('e.txt'), 'x');
    writeFileSync(folder.at('e.csv'), 'x');
    await some.untilTold('-b.txt', '-folder/d.txt', '+e.csv');
    expect(some.told.sort()).toEqual(['+e.csv', '-b.txt', '-folder/d.txt']);
  });

  it('leaves out names that are not UTF-8, and takes a folder that is a symbolic link', async () => {
    const folder = new WatchedFolder();
    writeFileSync(Buffer.concat([Buffer.from(folder.at('bad-')), Buffer.from([0xff])]), 'x');
    writeFileSync(folder.at('good'), 'x');
    const link = join(outside(), 'link');
    symlinkSync(folder.path, link);
    const source = folder.source({}, {}, link);
    const subscription = await source.openBus!().subscribe(FROM_NOW, signal);
    const snapshot = await source.openSnapshot({ wanted: undefined, after: undefined }, signal);
    const chunk = await snapshot.next(undefined, 9, signal);
    expect(chunk?.rows.map((row) => [row['file_path'], row['is_dir']])).toEqual([
      [link, true],
      [join(link, 'good'), false],
    ]);
    writeFileSync(folder.at('new'), 'x');
    const told: unknown[] = [];
    const read = async (): Promise<unknown> => {
      for (const { event } of await subscription.read(9, 1_000, signal))
        told.push(...(event?.rows ?? []).map((row) => row['file_path']));
      return told;
    };
    await expect.poll(read).toEqual([join(link, 'new')]);
  });

  it('takes names of any characters', async () => {
    const folder = new WatchedFolder();
    const watcher = await folder.watch();
    const names = ['天工', 'a\nb', ' ', '*', 'quote\'"', '👍', '-rf'];
    for (const name of names) writeFileSync(folder.at(name), name);
    await watcher.untilTold(...names.map((name) => `+${name}`));
  });

  it('serves one reader at a time, and another when that one has gone', async () => {
    const source = new WatchedFolder().source();
    const bus = source.openBus!();
    const first = await bus.subscribe(FROM_NOW, signal);
    await expect(bus.subscribe(FROM_NOW, signal)).rejects.toMatchObject({ reason: 'BusInUse', retryable: true });
    await first.close();
    await expect(first.read(1, 0, signal)).rejects.toMatchObject({ reason: 'Closed' });
    const second = await bus.subscribe(FROM_NOW, signal);
    expect(second.bus).toMatchObject({ source_name: 'files', state: 'PRODUCING', statistics: { subscriber_count: 1 } });
  });

  it('refuses a folder that tasks may not use', async () => {
    const folder = new WatchedFolder();
    const source = folder.source({}, { mayRead: async (path) => path !== folder.path });
    const refused = { reason: 'PathRefused', retryable: false };
    await expect(source.openBus!().subscribe(FROM_NOW, signal)).rejects.toMatchObject(refused);
    await expect(source.openSnapshot({ wanted: undefined, after: undefined }, signal)).rejects.toMatchObject(refused);
  });

  it('is told to stop while it starts', async () => {
    const abort = new AbortController();
    const bus = new WatchedFolder().source().openBus!();
    const subscribing = bus.subscribe(FROM_NOW, abort.signal);
    abort.abort(new Error('stopped'));
    await expect(subscribing).rejects.toThrow('stopped');
    await (await bus.subscribe(FROM_NOW, signal)).close();
  });
});
