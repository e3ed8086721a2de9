import { spawn } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { FileCache } from './file-cache.ts';
import type { CachedFile, FileCacheOptions } from './file-cache.ts';
import type { FileSource } from './partial-file.ts';
import type { TaskFile } from './task-file.ts';

const logger = pino({ level: 'silent' });
const never = new AbortController().signal;
const openCache = (folder: string, options: Partial<FileCacheOptions> = {}): Promise<FileCache> =>
  FileCache.open({ folder, logger, retries: { minMs: 1, maxMs: 2, tries: 3 }, ...options });

const wantedOf = (id: string, bytes: Buffer): CachedFile => ({
  id,
  name: `${id}.sql`,
  bytes: bytes.length,
  sha256: hash('sha256', bytes),
});

/** Gives bytes and notes from where they were asked for. */
class Source implements FileSource {
  readonly opened: number[] = [];
  readonly #bytes: Buffer;
  readonly #cutAt: number | undefined;

  constructor(bytes: Buffer, cutAt?: number) {
    this.#bytes = bytes;
    this.#cutAt = cutAt;
  }

  open(from: number): Promise<{ from: number; chunks: AsyncIterable<Buffer> }> {
    this.opened.push(from);
    const [bytes, cutAt] = [this.#bytes, this.#cutAt];
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let at = from; at < bytes.length; at += 1000) {
        if (cutAt !== undefined && at >= cutAt) throw new Error('the connection was cut');
        yield bytes.subarray(at, at + 1000);
        await Promise.resolve();
      }
    }
    return Promise.resolve({ from, chunks: chunks() });
  }
}

const add = (cache: FileCache, id: string, bytes: Buffer, source: FileSource = new Source(bytes)): Promise<TaskFile> =>
  cache.add(wantedOf(id, bytes), source, never);

describe('FileCache', () => {
  it('brings a file once, also when two ask at once, and keeps it over a restart', async () => {
    const folder = temporaryFolder();
    const cache = await openCache(folder);
    const bytes = randomBytes(10_000);
    const source = new Source(bytes);
    const [one, two] = await Promise.all([add(cache, 'a', bytes, source), add(cache, 'b', bytes, source)]);
    expect(one.path).toBe(two.path);
    expect([one.name, two.name]).toEqual(['a.sql', 'b.sql']);
    expect(readFileSync(one.path).equals(bytes)).toBe(true);
    expect(source.opened).toEqual([0]);
    expect(cache.bytes).toBe(10_000);

    const later = await openCache(folder);
    expect(await later.find(wantedOf('a', bytes), never)).toMatchObject({ id: 'a', path: one.path, bytes: 10_000 });
    expect(await later.findById('b', never)).toMatchObject({ id: 'b', name: 'b.sql' });
    expect(await later.findById('c', never)).toBeUndefined();
  });

  it('keeps an empty file', async () => {
    const cache = await openCache(temporaryFolder());
    const { path, release } = await add(cache, 'a', Buffer.alloc(0));
    expect(statSync(path).size).toBe(0);
    release();
  });

  it('goes on where a cut connection or an earlier process stopped', async () => {
    const folder = temporaryFolder();
    const bytes = randomBytes(10_000);
    const cache = await openCache(folder);
    const cut = new Source(bytes, 4000);
    await expect(add(cache, 'a', bytes, cut)).rejects.toMatchObject({
      reason: 'FileUnavailable',
      message: 'a.sql could not be fetched beyond byte 4000 of 10000: the connection was cut',
    });
    // The first try brings 4,000 bytes, the next two none.
    expect(cut.opened).toEqual([0, 4000, 4000]);
    expect(cache.bytes).toBe(4000);
    const source = new Source(bytes);
    const file = await add(await openCache(folder), 'a', bytes, source);
    expect(source.opened).toEqual([4000]);
    expect(readFileSync(file.path).equals(bytes)).toBe(true);
  });

  it('goes on where a process was killed', async () => {
    const [folder, original] = [join(temporaryFolder(), 'files'), join(temporaryFolder(), 'original')];
    const bytes = randomBytes(2_000_000);
    writeFileSync(original, bytes);
    const program = join(import.meta.dirname, '../testing/fetch-half-process.ts');
    const child = spawn(process.execPath, [program, folder, original], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const source = new Source(bytes);
    const cache = await openCache(folder);
    expect(readFileSync((await add(cache, 'a', bytes, source)).path).equals(bytes)).toBe(true);
    expect(source.opened).toEqual([1_000_000]);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('begins anew when what an earlier process left is not the beginning of the file', async () => {
    const folder = temporaryFolder();
    const bytes = randomBytes(10_000);
    const { sha256 } = wantedOf('a', bytes);
    for (const left of [randomBytes(3000), randomBytes(10_000), randomBytes(20_000)]) {
      writeFileSync(join(folder, `${sha256}.part`), left);
      const cache = await openCache(folder);
      const file = await add(cache, 'a', bytes);
      expect(readFileSync(file.path).equals(bytes)).toBe(true);
      expect(readdirSync(folder).sort()).toEqual([sha256, `${sha256}.json`]);
      const other = await openCache(folder, { limit: 0 });
      expect([other.bytes, readdirSync(folder)]).toEqual([0, []]);
    }
  });

  it('takes nothing for the file that has another digest or more bytes, and keeps nothing of it', async () => {
    const folder = temporaryFolder();
    const cache = await openCache(folder);
    const bytes = randomBytes(5000);
    await expect(add(cache, 'a', bytes, new Source(randomBytes(5000)))).rejects.toMatchObject({
      reason: 'FileCorrupt',
    });
    await expect(add(cache, 'a', bytes, new Source(Buffer.concat([bytes, bytes])))).rejects.toMatchObject({
      reason: 'FileCorrupt',
    });
    expect([readdirSync(folder), cache.bytes]).toEqual([[], 0]);
  });

  it('notices when somebody changes a file that it keeps, whatever times are set back', async () => {
    const cache = await openCache(temporaryFolder());
    const bytes = randomBytes(5000);
    const { path, release } = await add(cache, 'a', bytes);
    release();
    const { atime, mtime } = statSync(path);
    chmodSync(path, 0o600);
    writeFileSync(path, randomBytes(5000));
    utimesSync(path, atime, mtime);
    expect(await cache.find(wantedOf('a', bytes), never)).toBeUndefined();
    const source = new Source(bytes);
    const file = await add(cache, 'a', bytes, source);
    expect(source.opened).toEqual([0]);
    expect(readFileSync(file.path).equals(bytes)).toBe(true);
  });

  it('removes what was used longest ago for what comes, but nothing that is in use', async () => {
    const cache = await openCache(temporaryFolder(), { limit: 3000 });
    const files = Array.from({ length: 5 }, () => randomBytes(1000));
    const [a, b, c] = [
      await add(cache, 'a', files[0]!),
      await add(cache, 'b', files[1]!),
      await add(cache, 'c', files[2]!),
    ];
    expect(cache.bytes).toBe(3000);
    await expect(add(cache, 'd', files[3]!)).rejects.toMatchObject({
      reason: 'FileUnavailable',
      message: 'there is no room for d.sql (1000 bytes): all other files in it are in use',
    });
    for (const { release } of [b, c, a]) release();
    a.release();
    (await cache.find(wantedOf('b', files[1]!), never))?.release();
    const d = await add(cache, 'd', files[3]!);
    const kept = async (id: string, bytes: Buffer): Promise<boolean> => {
      const found = await cache.find(wantedOf(id, bytes), never);
      found?.release();
      return found !== undefined;
    };
    expect(await Promise.all(['a', 'b', 'c'].map((id, index) => kept(id, files[index]!)))).toEqual([false, true, true]);
    d.release();
    await expect(add(cache, 'e', randomBytes(3001))).rejects.toMatchObject({ reason: 'FileTooLarge' });
    expect(cache.bytes).toBe(3000);
  });

  it('leaves the reserve of the disk alone, rather with fewer files kept', async () => {
    let free = 1000;
    const cache = await openCache(temporaryFolder(), { freeBytes: () => free });
    const [one, two] = [randomBytes(900), randomBytes(900)];
    const file = await add(cache, 'a', one);
    free = 100;
    await expect(add(cache, 'b', two)).rejects.toThrow(
      "there is no room for b.sql (900 bytes): the agent's disk is almost full",
    );
    file.release();
    await expect(add(cache, 'b', two)).rejects.toThrow("the agent's disk is almost full");
    expect(cache.bytes).toBe(0);
  });

  it('lets a canceled task go at once and the next one go on with what it brought', async () => {
    const cache = await openCache(temporaryFolder());
    const bytes = randomBytes(9000);
    const first = new AbortController();
    const second = new AbortController();
    const stuck: FileSource = {
      open: (from, signal) => {
        async function* chunks(): AsyncGenerator<Buffer> {
          yield bytes.subarray(0, 5000);
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
        }
        return Promise.resolve({ from, chunks: chunks() });
      },
    };
    const one = cache.add(wantedOf('a', bytes), stuck, first.signal);
    const two = cache.add(wantedOf('a', bytes), stuck, second.signal);
    const source = new Source(bytes);
    const three = cache.add(wantedOf('a', bytes), source, never);
    second.abort(new Error('second'));
    await expect(two).rejects.toThrow('second');
    await expect.poll(() => cache.bytes).toBe(9000);
    first.abort(new Error('first'));
    await expect(one).rejects.toThrow('first');
    expect(readFileSync((await three).path).equals(bytes)).toBe(true);
    expect([[0], [5000]]).toContainEqual(source.opened);
  });
});
