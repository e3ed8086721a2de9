import { mkdir, open, readFile, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { SpoolSpace } from './spool-space.ts';

/** Acknowledged bytes are freed in pieces of this size, so that a long stream does not need its length in disk space. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
/** Writers wait while more than this is not yet on disk. */
const MAX_UNWRITTEN_BYTES = 256 * 1024;
const END_FILE = 'end';
/** What the last `mark` said. */
const MARK_FILE = 'mark';

/**
 * The bytes of one stream on disk, from where they are uploaded: appended at the end, read from any kept place, freed
 * from the beginning. A folder of segments named after the offset of their first byte.
 */
export class StreamSpool {
  readonly folder: string;
  readonly #space: SpoolSpace;
  /** All bytes given to `append`, and those of them that are in the files. */
  #size: number;
  #written: number;
  #freed: number;
  #ended: boolean;
  #pending: Buffer[] = [];
  #flushing: Promise<void> | undefined;
  #error: Error | undefined;
  #segment: { readonly handle: FileHandle; readonly start: number } | undefined;
  #reader: { readonly handle: FileHandle; readonly start: number } | undefined;
  #changed = Promise.withResolvers<void>();

  private constructor(folder: string, space: SpoolSpace, freed: number, size: number, ended: boolean) {
    this.folder = folder;
    this.#space = space;
    this.#freed = freed;
    this.#size = size;
    this.#written = size;
    this.#ended = ended;
  }

  static create(folder: string, space: SpoolSpace): StreamSpool {
    return new StreamSpool(folder, space, 0, 0, false);
  }

  /** Opens what an earlier process left. A stream that had not ended ends where its last byte is. */
  static async reopen(folder: string, space: SpoolSpace): Promise<StreamSpool> {
    const spool = await StreamSpool.goOn(folder, space);
    if (!spool.ended) await spool.end();
    return spool;
  }

  /** Opens what an earlier process left, or nothing, to append to it. */
  static async goOn(folder: string, space: SpoolSpace): Promise<StreamSpool> {
    const names = await readdir(folder).catch((): string[] => []);
    const starts = names.filter((name) => /^\d+$/.test(name)).map(Number);
    const sizes = await Promise.all(starts.map(async (start) => (await stat(join(folder, String(start)))).size));
    const freed = starts.length === 0 ? await readEnd(folder) : Math.min(...starts);
    const size = starts.reduce((end, start, index) => Math.max(end, start + (sizes[index] ?? 0)), freed);
    space.add(size - freed);
    return new StreamSpool(folder, space, freed, size, names.includes(END_FILE));
  }

  get size(): number {
    return this.#size;
  }

  /** How many bytes can be read: those on disk. */
  get written(): number {
    return this.#written;
  }

  /** Bytes before this one are no longer kept. */
  get freed(): number {
    return this.#freed;
  }

  /** Nothing more will come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Why bytes could not be kept; the stream then ends before them. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Resolves after the next change of `written` or `ended`. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  /**
   * Adds bytes, which the caller must not change afterwards. Returns a promise while the disk is behind; it never
   * rejects: a failure shows in `error`, and what comes after it is dropped.
   */
  append(bytes: Buffer): Promise<void> | undefined {
    if (this.#error !== undefined || bytes.length === 0) return undefined;
    const refusal = this.#space.take(bytes.length);
    if (refusal !== undefined) {
      this.#error = new Error(refusal);
      return undefined;
    }
    this.#size += bytes.length;
    this.#pending.push(bytes);
    this.#flushing ??= this.#flush();
    return this.#size - this.#written > MAX_UNWRITTEN_BYTES ? this.#flushing : undefined;
  }

  /** Resolves when what was appended so far outlives the process. Never rejects. */
  async flushed(): Promise<void> {
    await this.#flushing;
  }

  /** Keeps a note beside what was appended so far, for `goOn` after a crash of the process. Never rejects. */
  async mark(note: string): Promise<void> {
    await this.#flushing;
    if (this.#error !== undefined) return;
    const file = join(this.folder, MARK_FILE);
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await writeFile(`${file}.new`, JSON.stringify({ size: this.#written, note }));
      await rename(`${file}.new`, file);
    } catch (err) {
      this.#error ??= toError(err);
    }
  }

  /** The last note, and how much had been appended then. */
  async marked(): Promise<{ readonly size: number; readonly note: string } | undefined> {
    const text = await readFile(join(this.folder, MARK_FILE), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as { size: number; note: string });
  }

  /** Forgets what comes after `size`, before anything is appended. */
  async cut(size: number): Promise<void> {
    if (size >= this.#size) return;
    const start = size - (size % SEGMENT_BYTES);
    for (let gone = start + SEGMENT_BYTES; gone < this.#size; gone += SEGMENT_BYTES)
      await rm(join(this.folder, String(gone)), { force: true });
    await truncate(join(this.folder, String(start)), size - start);
    await rm(join(this.folder, END_FILE), { force: true });
    this.#space.give(this.#size - size);
    this.#size = this.#written = size;
    this.#ended = false;
  }

  /** Marks the end, durably. */
  async end(): Promise<void> {
    await this.#flushing;
    if (this.#ended) return;
    this.#ended = true;
    await this.#closeSegment();
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await writeFile(join(this.folder, END_FILE), String(this.#size), { flush: true });
    } catch (err) {
      this.#error ??= toError(err);
    }
    this.#signalChange();
  }

  /** Reads into `target` from `offset`; resolves with how many bytes there were, 0 at the end of what is written. */
  async read(offset: number, target: Buffer): Promise<number> {
    const start = offset - (offset % SEGMENT_BYTES);
    const length = Math.min(target.length, this.#written - offset, start + SEGMENT_BYTES - offset);
    if (length <= 0) return 0;
    if (this.#reader?.start !== start) {
      await this.#reader?.handle.close();
      this.#reader = undefined;
      this.#reader = { handle: await open(join(this.folder, String(start)), 'r'), start };
    }
    const { bytesRead } = await this.#reader.handle.read(target, 0, length, offset - start);
    return bytesRead;
  }

  /** Frees whole segments that lie before `offset`. */
  async free(offset: number): Promise<void> {
    while (this.#freed + SEGMENT_BYTES <= offset) {
      const start = this.#freed;
      this.#freed += SEGMENT_BYTES;
      await rm(join(this.folder, String(start)), { force: true });
      this.#space.give(SEGMENT_BYTES);
    }
  }

  /** Makes what is kept survive a power failure. */
  async sync(): Promise<void> {
    for (let start = this.#freed; start < this.#written; start += SEGMENT_BYTES) {
      const handle = await open(join(this.folder, String(start)), 'r').catch(() => undefined);
      await handle?.datasync();
      await handle?.close();
    }
  }

  /** Closes the files; what was appended stays. */
  async close(): Promise<void> {
    await this.#flushing;
    await this.#closeSegment();
    await this.#reader?.handle.close();
    this.#reader = undefined;
  }

  /** Removes everything. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true, force: true });
    this.#space.give(this.#size - this.#freed);
    this.#freed = this.#size;
  }

  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const batch = this.#pending;
        this.#pending = [];
        for (const bytes of batch) await this.#write(bytes);
        this.#signalChange();
      }
    } catch (err) {
      this.#error = toError(err);
      this.#pending = [];
      this.#space.give(this.#size - this.#written);
      this.#size = this.#written;
    } finally {
      this.#flushing = undefined;
    }
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const start = this.#written - (this.#written % SEGMENT_BYTES);
      if (this.#segment?.start !== start) {
        await this.#closeSegment();
        if (start === 0) await mkdir(this.folder, { recursive: true, mode: 0o700 });
        this.#segment = { handle: await open(join(this.folder, String(start)), 'a', 0o600), start };
      }
      const room = start + SEGMENT_BYTES - this.#written;
      const { bytesWritten } = await this.#segment.handle.write(bytes, done, Math.min(room, bytes.length - done));
      done += bytesWritten;
      this.#written += bytesWritten;
    }
  }

  async #closeSegment(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.handle.close();
  }

  #signalChange(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

async function readEnd(folder: string): Promise<number> {
  try {
    return Number(await readFile(join(folder, END_FILE), 'utf8'));
  } catch {
    return 0;
  }
}

const toError = (err: unknown): Error => (err instanceof Error ? err : new Error(String(err)));
