import { isUtf8 } from 'node:buffer';
import { createHash, hash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { headWithin, jsonBytes, tailWithin } from './utf8.ts';

/** A result of up to this many bytes stands whole in the status. */
export const INLINE_RESULT_BYTES = 12 * 1024;

/**
 * Control characters take six bytes in JSON: this bounds what a text may take of the status' 32 KiB (12 KiB are the
 * log's, the rest are conditions, error and assignment).
 */
const INLINE_RESULT_JSON_BYTES = 14 * 1024;

export interface ResultSummary {
  readonly text: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Whether the bytes can be had from the text: nothing cut, nothing replaced. */
  readonly whole: boolean;
}

interface Large {
  readonly head: Buffer;
  tail: Buffer[];
  tailBytes: number;
  readonly digest: Hash;
}

/** Keeps of a result what a status can hold: all of a small one, of a large one its head, tail, length and digest. */
export class ResultCapture {
  #bytes = 0;
  /** All chunks, until there are more than `INLINE_RESULT_BYTES`. */
  #chunks: Buffer[] = [];
  #large: Large | undefined;

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds bytes, which the caller must not change afterwards. Returns those that are to be kept elsewhere from now on:
   * nothing while the result is small, then all so far, then every chunk.
   */
  add(chunk: Buffer): Buffer | undefined {
    this.#bytes += chunk.length;
    if (this.#large !== undefined) {
      this.#addLarge(this.#large, chunk);
      return chunk;
    }
    this.#chunks.push(chunk);
    if (this.#bytes <= INLINE_RESULT_BYTES) return undefined;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [];
    const head = Buffer.from(all.subarray(0, INLINE_RESULT_BYTES));
    this.#large = { head, tail: [], tailBytes: 0, digest: createHash('sha256') };
    this.#addLarge(this.#large, all);
    return all;
  }

  /** All bytes, while the result is small. */
  small(): Buffer {
    return this.#chunks.length === 1 && this.#chunks[0] !== undefined ? this.#chunks[0] : Buffer.concat(this.#chunks);
  }

  summary(): ResultSummary {
    if (this.#large !== undefined) {
      const { head, tail, digest } = this.#large;
      const text = headAndTail(head, Buffer.concat(tail), this.#bytes);
      return { text, bytes: this.#bytes, sha256: digest.copy().digest('hex'), whole: false };
    }
    const bytes = this.small();
    const text = bytes.toString('utf8');
    // What is not UTF-8 grows: each such byte becomes three.
    const fits = Buffer.byteLength(text) <= INLINE_RESULT_BYTES && jsonBytes(text) <= INLINE_RESULT_JSON_BYTES;
    return {
      text: fits ? text : headAndTail(bytes, bytes, bytes.length),
      bytes: bytes.length,
      sha256: hash('sha256', bytes),
      whole: fits && isUtf8(bytes),
    };
  }

  #addLarge(large: Large, chunk: Buffer): void {
    large.digest.update(chunk);
    if (chunk.length >= INLINE_RESULT_BYTES) {
      // A copy, so that the last few bytes do not keep the whole chunk in memory.
      large.tail = [Buffer.from(chunk.subarray(chunk.length - INLINE_RESULT_BYTES))];
      large.tailBytes = INLINE_RESULT_BYTES;
      return;
    }
    large.tail.push(chunk);
    large.tailBytes += chunk.length;
    // Many tiny chunks would each keep an object: join them now and then.
    if (large.tailBytes < 4 * INLINE_RESULT_BYTES && large.tail.length < 256) return;
    const joined = Buffer.concat(large.tail);
    large.tail = [Buffer.from(joined.subarray(Math.max(0, joined.length - INLINE_RESULT_BYTES)))];
    large.tailBytes = large.tail[0]?.length ?? 0;
  }
}

/** `head` begins and `tail` ends a result of `total` bytes; the two may overlap. */
function headAndTail(head: Buffer, tail: Buffer, total: number): string {
  for (let budget = INLINE_RESULT_BYTES - 64; ; budget = Math.floor(budget / 2)) {
    const first = headWithin(head, budget >> 1);
    const last = tailWithin(tail, budget >> 1);
    const omitted = total - first.length - last.length;
    const text = `${first.toString('utf8')}\n[${omitted} bytes omitted]\n${last.toString('utf8')}`;
    if (Buffer.byteLength(text) <= INLINE_RESULT_BYTES && jsonBytes(text) <= INLINE_RESULT_JSON_BYTES) return text;
  }
}
