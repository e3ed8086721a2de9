import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { DeployTaskStatus } from '../../kube/types/deploytask.ts';
import type { RollbackSummary } from '../executors/executor.ts';
import { cutText, headWithin, jsonBytes } from './utf8.ts';

/** A script of up to this many bytes stands whole in the status, beside 12 KiB of result and 12 KiB of log. */
export const INLINE_ROLLBACK_BYTES = 3 * 1024;
/** What a text may take of the status as JSON. */
const INLINE_ROLLBACK_JSON_BYTES = 4 * 1024;
const MAX_MESSAGE_BYTES = 512;

export type RollbackStatus = NonNullable<DeployTaskStatus['rollback']>;

/** Keeps of the SQL that undoes a task what a status can hold: all of a short one, of a long one its beginning. */
export class RollbackCapture {
  readonly #digest = createHash('sha256');
  /** All chunks, until there are more than `INLINE_ROLLBACK_BYTES`; then the first of them. */
  #head: Buffer[] = [];
  #bytes = 0;
  #large = false;
  #summary: RollbackSummary | undefined;

  /** Adds bytes. Returns those that are to be kept elsewhere: nothing while it is short, then all so far, then each. */
  add(chunk: Buffer): Buffer | undefined {
    this.#digest.update(chunk);
    this.#bytes += chunk.length;
    if (this.#large) return chunk;
    this.#head.push(chunk);
    if (this.#bytes <= INLINE_ROLLBACK_BYTES) return undefined;
    this.#large = true;
    const all = Buffer.concat(this.#head);
    this.#head = [Buffer.from(headWithin(all, INLINE_ROLLBACK_BYTES))];
    return all;
  }

  end(summary: RollbackSummary): void {
    this.#summary = summary;
  }

  /** All bytes, while they are few. */
  small(): Buffer {
    return Buffer.concat(this.#head);
  }

  /** For the status; undefined when the executor said nothing. `whole`: nothing was cut. */
  status(): { readonly status: RollbackStatus; readonly whole: boolean } | undefined {
    if (this.#summary === undefined) return undefined;
    const { available, exact, statements, message } = this.#summary;
    const head = this.small();
    let text = head.toString('utf8');
    const whole = !this.#large && isUtf8(head) && jsonBytes(text) <= INLINE_ROLLBACK_JSON_BYTES;
    for (let bytes = INLINE_ROLLBACK_BYTES; jsonBytes(text) > INLINE_ROLLBACK_JSON_BYTES; bytes >>= 1)
      text = headWithin(head, bytes).toString('utf8');
    const status = {
      ...{ available, exact, statements, bytes: this.#bytes, sha256: this.#digest.copy().digest('hex') },
      ...(message === undefined ? {} : { message: cutText(message, MAX_MESSAGE_BYTES) }),
      ...(text === '' ? {} : { text }),
    };
    return { status, whole };
  }
}
