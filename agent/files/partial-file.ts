import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { backoffMs, sleep } from '../../kube/backoff.ts';
import type { BackoffOptions } from '../../kube/backoff.ts';
import { FileUnavailable } from './file-unavailable.ts';

/** A file as it should be. */
export interface WantedFile {
  /** In lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly bytes: number;
  /** Shown in messages. */
  readonly name: string;
}

/** Where a file's bytes come from. */
export interface FileSource {
  /**
   * The bytes from an offset on, or from an earlier one, which the answer tells. A `FileUnavailable` is final; any other
   * rejection, and any error while reading, is a reason to try again.
   */
  open(from: number, signal: AbortSignal): Promise<{ readonly from: number; readonly chunks: AsyncIterable<Buffer> }>;
}

export interface Retries extends BackoffOptions {
  /** How many failures in a row, with not a byte between them, are one too many. */
  readonly tries: number;
}

/** About 50 s, which an API that is being restarted needs at most. */
export const RETRIES: Retries = { minMs: 250, maxMs: 8_000, tries: 12 };

/**
 * Brings a file to `path`, whose beginning may be there from an earlier attempt, also one of a process that was killed.
 * Resolves when all is on the disk and has the digest that it should. Throws `FileUnavailable`, or the signal's reason;
 * what has come then stays for the next attempt, unless it is wrong.
 */
export async function completeFile(
  path: string,
  wanted: WantedFile,
  source: FileSource,
  signal: AbortSignal,
  retries: Retries = RETRIES,
): Promise<void> {
  await using handle = await open(path, 'a+', 0o600);
  const part = await PartialFile.of(handle, wanted);
  // What a crash of the host left may have the right length and wrong bytes.
  let trusted = part.done === 0;
  for (let failures = 0; ;) {
    const before = part.done;
    try {
      await part.take(source, signal);
      if (part.hasDigest()) break;
      await part.restart();
      if (trusted)
        throw new FileUnavailable('FileCorrupt', `${wanted.name} is not the file that it should be (SHA-256)`);
      trusted = true;
    } catch (err) {
      signal.throwIfAborted();
      if (err instanceof FileUnavailable) throw err;
      failures = part.done > before ? 1 : failures + 1;
      if (failures >= retries.tries)
        throw new FileUnavailable(
          'FileUnavailable',
          `${wanted.name} could not be fetched beyond byte ${part.done} of ${wanted.bytes}: ${(err as Error).message}`,
          { cause: err },
        );
      await sleep(backoffMs(failures, retries), signal);
      signal.throwIfAborted();
    }
  }
  await handle.datasync();
}

const READ_BYTES = 1024 * 1024;

/** A file that is being written, and the digest of what is there. */
class PartialFile {
  readonly #handle: FileHandle;
  readonly #wanted: WantedFile;
  #hash: Hash = createHash('sha256');
  #done = 0;

  private constructor(handle: FileHandle, wanted: WantedFile) {
    this.#handle = handle;
    this.#wanted = wanted;
  }

  static async of(handle: FileHandle, wanted: WantedFile): Promise<PartialFile> {
    const part = new PartialFile(handle, wanted);
    const { size } = await handle.stat();
    if (size > wanted.bytes) await part.restart();
    else await part.#count();
    return part;
  }

  /** How many bytes are there. */
  get done(): number {
    return this.#done;
  }

  hasDigest(): boolean {
    return this.#hash.copy().digest('hex') === this.#wanted.sha256;
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = createHash('sha256');
    this.#done = 0;
  }

  /** Resolves when the file has its length. */
  async take(source: FileSource, signal: AbortSignal): Promise<void> {
    const { bytes, name } = this.#wanted;
    if (this.#done === bytes) return;
    const { from, chunks } = await source.open(this.#done, signal);
    if (from > this.#done) throw new Error(`the answer begins at byte ${from} instead of ${this.#done}`);
    if (from < this.#done) await this.restart();
    if (from !== this.#done) throw new Error(`the answer begins at byte ${from} instead of 0`);
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      if (this.#done + chunk.length > bytes) {
        await this.restart();
        throw new FileUnavailable('FileCorrupt', `${name} has more bytes than the ${bytes} that it should`);
      }
      await this.#append(chunk);
    }
    if (this.#done < bytes) throw new Error('it ended early');
  }

  async #append(chunk: Buffer): Promise<void> {
    try {
      for (let written = 0; written < chunk.length;)
        written += (await this.#handle.write(chunk, written, chunk.length - written)).bytesWritten;
    } catch (err) {
      const message = `${this.#wanted.name} cannot be kept on the agent's disk: ${(err as Error).message}`;
      throw new FileUnavailable('FileUnavailable', message, { cause: err });
    }
    this.#hash.update(chunk);
    this.#done += chunk.length;
  }

  async #count(): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.#done);
      if (bytesRead === 0) return;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#done += bytesRead;
    }
  }
}
