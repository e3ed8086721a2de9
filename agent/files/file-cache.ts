import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { freeAboveReserve } from '../output/disk-reserve.ts';
import { CacheFolder } from './cache-folder.ts';
import { FileUnavailable } from './file-unavailable.ts';
import { completeFile, RETRIES } from './partial-file.ts';
import type { FileSource, Retries, WantedFile } from './partial-file.ts';
import type { TaskFile } from './task-file.ts';

export interface FileCacheOptions {
  readonly folder: string;
  /** How many bytes all files may have together; 5 GiB unless set. */
  readonly limit?: number;
  readonly logger: Logger;
  /** How much may be written to the disk; the free space above the reserve unless set. */
  readonly freeBytes?: () => number;
  readonly retries?: Retries;
}

/** An uploaded file. */
export interface CachedFile extends WantedFile {
  readonly id: string;
}

interface Entry {
  readonly bytes: number;
  readonly names: Map<string, string>;
  usedAt: number;
  pins: number;
  /** What the file system said of the file when its digest was last seen to be right. */
  seen: string | undefined;
}

const LIMIT = 5 * 1024 ** 3;
/** An empty file needs no bytes, but an inode. */
const MAX_FILES = 10_000;
const MAX_NAMES = 16;
const TOUCH_AFTER_MS = 60_000;
const NEVER = new AbortController().signal;

/**
 * Uploaded files on the agent's disk, each once, by its digest. The least recently used ones make room for new ones; a
 * file that a task uses stays.
 *
 * The digest is computed when a file comes and again before its first use by each process. Later uses look at inode,
 * size, mtime and ctime, which no program can set back: while they stay, the bytes stay.
 */
export class FileCache {
  readonly #folder: CacheFolder;
  readonly #limit: number;
  readonly #logger: Logger;
  readonly #freeBytes: () => number;
  readonly #retries: Retries;
  readonly #entries = new Map<string, Entry>();
  readonly #parts = new Map<string, { readonly bytes: number; readonly usedAt: number }>();
  /** What the files that are just being brought will have. */
  readonly #coming = new Map<string, number>();
  readonly #working = new Map<string, Promise<void>>();

  private constructor(options: FileCacheOptions) {
    this.#folder = new CacheFolder(options.folder);
    this.#limit = options.limit ?? LIMIT;
    this.#logger = options.logger;
    this.#freeBytes = options.freeBytes ?? ((): number => freeAboveReserve(options.folder));
    this.#retries = options.retries ?? RETRIES;
  }

  /** Opens the folder and takes over what earlier processes kept there. */
  static async open(options: FileCacheOptions): Promise<FileCache> {
    const cache = new FileCache(options);
    const { files, parts } = await cache.#folder.recover();
    for (const { sha256, bytes, names, usedAt } of files)
      cache.#entries.set(sha256, { bytes, names: new Map(names), usedAt, pins: 0, seen: undefined });
    for (const { sha256, ...part } of parts) cache.#parts.set(sha256, part);
    while (cache.#used() > cache.#limit && (await cache.#evictOne())) continue;
    return cache;
  }

  /** How many bytes the kept files have. */
  get bytes(): number {
    return this.#used();
  }

  /** The file, if it is kept, with a pin on it. */
  async find(wanted: CachedFile, signal: AbortSignal): Promise<TaskFile | undefined> {
    return this.#alone(wanted.sha256, signal, () => this.#kept(wanted));
  }

  /** What an id stood for when the API was last asked. */
  async findById(id: string, signal: AbortSignal): Promise<TaskFile | undefined> {
    for (const [sha256, { names, bytes }] of this.#entries) {
      const name = names.get(id);
      if (name !== undefined) return this.find({ id, sha256, bytes, name }, signal);
    }
    return undefined;
  }

  /** The bytes with the digest, whatever the API says of the id. */
  async findByDigest(id: string, sha256: string, signal: AbortSignal): Promise<TaskFile | undefined> {
    const entry = this.#entries.get(sha256);
    if (entry === undefined) return undefined;
    const name = entry.names.get(id) ?? id;
    return this.find({ id, sha256, bytes: entry.bytes, name }, signal);
  }

  /**
   * The file, brought from the source if it is not kept, with a pin on it. Two calls for one file bring it once. Throws
   * `FileUnavailable` or the signal's reason.
   */
  async add(wanted: CachedFile, source: FileSource, signal: AbortSignal): Promise<TaskFile> {
    return this.#alone(wanted.sha256, signal, async () => {
      const kept = await this.#kept(wanted);
      if (kept !== undefined) return kept;
      await this.#bring(wanted, source, signal);
      const found = await this.#kept(wanted);
      if (found !== undefined) return found;
      throw new FileUnavailable('FileCorrupt', `${wanted.name} was changed in the agent's cache as it came`);
    });
  }

  async #bring(wanted: CachedFile, source: FileSource, signal: AbortSignal): Promise<void> {
    const { sha256, bytes } = wanted;
    const begun = this.#parts.get(sha256)?.bytes ?? 0;
    this.#parts.delete(sha256);
    this.#coming.set(sha256, bytes);
    try {
      await this.#makeRoom(wanted, Math.max(0, bytes - begun));
      await completeFile(this.#folder.partOf(sha256), wanted, source, signal, this.#retries);
      await this.#folder.keep(sha256);
      const names = new Map<string, string>();
      this.#entries.set(sha256, { bytes, names, usedAt: Date.now(), pins: 0, seen: await this.#look(sha256) });
    } catch (err) {
      if (err instanceof FileUnavailable || signal.aborted) throw err;
      const message = `${wanted.name} cannot be kept on the agent's disk: ${(err as Error).message}`;
      throw new FileUnavailable('FileUnavailable', message, { cause: err });
    } finally {
      this.#coming.delete(sha256);
      if (!this.#entries.has(sha256)) await this.#rememberPart(sha256);
    }
  }

  async #rememberPart(sha256: string): Promise<void> {
    const found = await stat(this.#folder.partOf(sha256)).catch(() => undefined);
    if (found === undefined) return;
    if (found.size > 0) this.#parts.set(sha256, { bytes: found.size, usedAt: Date.now() });
    else await this.#folder.removePart(sha256);
  }

  async #kept(wanted: CachedFile): Promise<TaskFile | undefined> {
    const { sha256, id, name } = wanted;
    const entry = this.#entries.get(sha256);
    if (entry === undefined) return undefined;
    // Before anything is waited for: eviction looks at it.
    entry.pins += 1;
    if (entry.bytes !== wanted.bytes || !(await this.#isIntact(sha256, entry).catch(() => false))) {
      this.#logger.warn({ sha256, name }, 'a file in the cache was changed by somebody; it is removed');
      this.#entries.delete(sha256);
      await this.#folder.remove(sha256);
      return undefined;
    }
    await this.#noteUse(wanted, entry);
    let pinned = true;
    const release = (): void => {
      if (pinned) entry.pins -= 1;
      pinned = false;
    };
    return { id, path: this.#folder.pathOf(sha256), name, bytes: entry.bytes, release };
  }

  async #noteUse({ sha256, id, name }: CachedFile, entry: Entry): Promise<void> {
    const now = Date.now();
    const isNew = entry.names.get(id) !== name;
    try {
      if (isNew) {
        entry.names.set(id, name);
        const [oldest] = entry.names.keys();
        if (entry.names.size > MAX_NAMES && oldest !== undefined) entry.names.delete(oldest);
        await this.#folder.describe(sha256, entry.names);
      } else if (now - entry.usedAt > TOUCH_AFTER_MS) await this.#folder.touch(sha256, now);
    } catch (err) {
      this.#logger.debug({ err, sha256 }, 'the use of a cached file could not be noted');
    }
    entry.usedAt = now;
  }

  async #isIntact(sha256: string, entry: Entry): Promise<boolean> {
    const before = await this.#look(sha256);
    if (before === undefined) return false;
    if (before === entry.seen) return true;
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(this.#folder.pathOf(sha256), { highWaterMark: 1024 * 1024 }))
      hash.update(chunk as Buffer);
    if (hash.digest('hex') !== sha256 || (await this.#look(sha256)) !== before) return false;
    entry.seen = before;
    return true;
  }

  async #look(sha256: string): Promise<string | undefined> {
    const found = await stat(this.#folder.pathOf(sha256), { bigint: true }).catch(() => undefined);
    return found && [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ');
  }

  async #makeRoom({ name, bytes }: CachedFile, missing: number): Promise<void> {
    if (bytes > this.#limit)
      throw new FileUnavailable(
        'FileTooLarge',
        `${name} has ${bytes} bytes, the agent's file cache takes ${this.#limit} (cache_bytes of the plugin file)`,
      );
    while (
      this.#used() > this.#limit ||
      this.#entries.size + this.#parts.size >= MAX_FILES ||
      this.#freeBytes() < missing
    ) {
      if (await this.#evictOne()) continue;
      const why = this.#freeBytes() < missing ? "the agent's disk is almost full" : 'all other files in it are in use';
      throw new FileUnavailable('FileUnavailable', `there is no room for ${name} (${bytes} bytes): ${why}`);
    }
  }

  /** Removes what was used longest ago and is not in use; false: there is no such thing. */
  async #evictOne(): Promise<boolean> {
    const idle = [...this.#entries].filter(([, { pins }]) => pins === 0);
    const candidates = [...idle, ...this.#parts].filter(([sha256]) => !this.#working.has(sha256));
    const oldest = candidates.reduce<(typeof candidates)[number] | undefined>(
      (least, next) => (least === undefined || next[1].usedAt < least[1].usedAt ? next : least),
      undefined,
    );
    if (oldest === undefined) return false;
    const [sha256] = oldest;
    const isPart = this.#parts.delete(sha256);
    if (!isPart) this.#entries.delete(sha256);
    // A call that brings the same file anew waits, lest it lose its file to this.
    await this.#alone(sha256, NEVER, () => (isPart ? this.#folder.removePart(sha256) : this.#folder.remove(sha256)));
    return true;
  }

  #used(): number {
    let used = 0;
    for (const { bytes } of this.#entries.values()) used += bytes;
    for (const { bytes } of this.#parts.values()) used += bytes;
    for (const bytes of this.#coming.values()) used += bytes;
    return used;
  }

  /** Lets one call at a time work on a file. */
  async #alone<T>(sha256: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (let other = this.#working.get(sha256); other !== undefined; other = this.#working.get(sha256))
      await orAborted(other, signal);
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#working.set(sha256, promise);
    try {
      return await work();
    } finally {
      this.#working.delete(sha256);
      resolve();
    }
  }
}

/** Waits for it, but no longer than until the signal aborts; then throws the reason. */
async function orAborted(other: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<void>();
  const abort = (): void => aborted.resolve();
  signal.addEventListener('abort', abort, { once: true });
  await Promise.race([other, aborted.promise]);
  signal.removeEventListener('abort', abort);
  signal.throwIfAborted();
}
