import { randomUUID } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { freeAboveReserve } from '../../output/disk-reserve.ts';

/** Rows cannot be kept until their statement ends: the disk is full. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError';
}

/** Up to so many characters stay in memory. */
const MAX_MEMORY_CHARS = 1024 * 1024;
const WRITE_CHARS = 256 * 1024;
const READ_BYTES = 256 * 1024;

export interface RowSpoolOptions {
  /** Where the file lies, without a name, so that it is gone with the process. */
  readonly folder: string;
  /** How many bytes may still be written there. */
  readonly freeBytes?: () => number;
}

/** Keeps lines until all are there: few in memory, many in a file. */
export class RowSpool {
  readonly #folder: string;
  readonly #freeBytes: () => number;
  #pending = '';
  #file: FileHandle | undefined;
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor({ folder, freeBytes }: RowSpoolOptions) {
    this.#folder = folder;
    this.#freeBytes = freeBytes ?? (() => freeAboveReserve(folder));
  }

  /**
   * Adds a line, which holds no line end. When a promise comes back, nothing more should be added before it resolves; it
   * rejects with `SpoolError`.
   */
  append(line: string): Promise<void> | undefined {
    this.#pending += `${line}\n`;
    if (this.#pending.length <= (this.#file === undefined ? MAX_MEMORY_CHARS : WRITE_CHARS)) return undefined;
    const text = this.#pending;
    this.#pending = '';
    this.#writing = (this.#writing ?? Promise.resolve()).then(() => this.#write(text));
    // Whoever adds hears of it; nobody may be left to hear.
    this.#writing.catch(() => undefined);
    return this.#writing;
  }

  /** All lines in order, many at a time. To be read once, after the last `append`. */
  async *read(): AsyncGenerator<string[]> {
    await this.#writing;
    let rest = '';
    if (this.#file !== undefined) {
      const decoder = new StringDecoder();
      const buffer = Buffer.alloc(READ_BYTES);
      for (let position = 0; ;) {
        const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) break;
        position += bytesRead;
        const lines = decoder.write(buffer.subarray(0, bytesRead)).split('\n');
        lines[0] = rest + (lines[0] ?? '');
        rest = lines.pop() ?? '';
        yield lines;
      }
    }
    const lines = this.#pending.split('\n');
    lines.pop();
    if (lines.length > 0) yield lines;
  }

  /** Forgets everything; may be called again. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pending = '';
    await this.#writing?.catch(() => undefined);
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #write(text: string): Promise<void> {
    if (this.#closed) return;
    const bytes = Buffer.from(text);
    if (bytes.length > this.#freeBytes())
      throw new SpoolError(`rows cannot be kept: the disk of ${this.#folder} is almost full`);
    try {
      this.#file ??= await this.#create();
      await this.#file.appendFile(bytes);
    } catch (err) {
      throw new SpoolError(`rows cannot be kept in ${this.#folder}: ${(err as Error).message}`, { cause: err });
    }
  }

  async #create(): Promise<FileHandle> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, `rows-${randomUUID()}`);
    const file = await open(path, 'wx+', 0o600);
    await rm(path);
    return file;
  }
}
