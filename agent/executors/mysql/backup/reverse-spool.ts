import { randomUUID } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { freeAboveReserve } from '../../../output/disk-reserve.ts';
import { SpoolError } from '../../sql/row-spool.ts';

export interface ReverseSpoolOptions {
  /** Where the file lies, without a name, so that it is gone with the process. */
  readonly folder: string;
  /** How many bytes may still be written there. */
  readonly freeBytes?: () => number;
}

/** So much waits in memory before it is written. */
const WRITE_BYTES = 256 * 1024;
const READ_BYTES = 256 * 1024;
const LINE_END = 10;

/** Keeps lines in a file and gives them back with the last one first, in memory for a few of them. */
export class ReverseSpool {
  readonly #folder: string;
  readonly #freeBytes: () => number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #file: FileHandle | undefined;
  #fileBytes = 0;

  constructor({ folder, freeBytes }: ReverseSpoolOptions) {
    this.#folder = folder;
    this.#freeBytes = freeBytes ?? (() => freeAboveReserve(folder));
  }

  /** What was added so far, for `cutTo`. */
  get bytes(): number {
    return this.#fileBytes + this.#pendingBytes;
  }

  /**
   * Adds a line, which holds no line end. When a promise comes back, nothing more may be added before it resolves; it
   * rejects with `SpoolError`, after which `cutTo` must be called before more is added.
   */
  append(line: string): Promise<void> | undefined {
    const bytes = Buffer.from(`${line}\n`);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    return this.#pendingBytes < WRITE_BYTES ? undefined : this.#write();
  }

  /** Forgets what was added since `bytes` was this. */
  async cutTo(bytes: number): Promise<void> {
    const kept = Math.max(0, bytes - this.#fileBytes);
    this.#pending = [Buffer.concat(this.#pending).subarray(0, kept)];
    this.#pendingBytes = kept;
    this.#fileBytes = Math.min(this.#fileBytes, bytes);
    await this.#file?.truncate(this.#fileBytes);
  }

  /** All lines with their line ends, the last first, many at a time. Nothing may be added while it reads. */
  async *readBackwards(): AsyncGenerator<Buffer> {
    const pending = Buffer.concat(this.#pending);
    // The begin of a line whose end was read before.
    let rest: Buffer[] = [];
    for (let end = this.bytes; end > 0;) {
      const start = end > this.#fileBytes ? this.#fileBytes : Math.max(0, end - READ_BYTES);
      const block = start === this.#fileBytes && end > start ? pending : await this.#read(start, end);
      const lines: Buffer[] = [];
      let lineEnd = block.length;
      for (let at = block.lastIndexOf(LINE_END); at >= 0; at = at === 0 ? -1 : block.lastIndexOf(LINE_END, at - 1)) {
        lines.push(block.subarray(at + 1, lineEnd), ...rest);
        rest = [];
        lineEnd = at + 1;
      }
      rest.unshift(block.subarray(0, lineEnd));
      if (lines.length > 0) yield Buffer.concat(lines);
      end = start;
    }
    if (rest.length > 0) yield Buffer.concat(rest);
  }

  async close(): Promise<void> {
    this.#pending = [];
    this.#pendingBytes = 0;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #read(start: number, end: number): Promise<Buffer> {
    const block = Buffer.alloc(end - start);
    let filled = 0;
    while (filled < block.length) {
      const read = await this.#file?.read(block, filled, block.length - filled, start + filled);
      if (read === undefined || read.bytesRead === 0) throw new SpoolError(`the file in ${this.#folder} is cut short`);
      filled += read.bytesRead;
    }
    return block;
  }

  async #write(): Promise<void> {
    const bytes = Buffer.concat(this.#pending);
    if (bytes.length > this.#freeBytes())
      throw new SpoolError(`the rollback cannot be kept: the disk of ${this.#folder} is almost full`);
    try {
      this.#file ??= await this.#create();
      // By position: a failed write may have left a part.
      for (let done = 0; done < bytes.length;)
        done += (await this.#file.write(bytes, done, bytes.length - done, this.#fileBytes + done)).bytesWritten;
    } catch (err) {
      throw new SpoolError(`the rollback cannot be kept in ${this.#folder}: ${(err as Error).message}`, { cause: err });
    }
    this.#fileBytes += bytes.length;
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  async #create(): Promise<FileHandle> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, `rollback-${randomUUID()}`);
    const file = await open(path, 'wx+', 0o600);
    await rm(path);
    return file;
  }
}
