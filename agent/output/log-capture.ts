import { encodeLine } from './log-line.ts';
import type { LogLine } from './log-line.ts';
import { cutText } from './utf8.ts';

/** A log of up to this size as JSON stands whole in the status. */
export const INLINE_LOG_BYTES = 12 * 1024;
/** The schema's bound on the lines of a status. */
const INLINE_LINES = 1000;
/** A single line of a log that is cut anyway: a few long ones shall not crowd out the others. */
const CUT_LINE_BYTES = 1024;

export interface LogSummary {
  readonly lines: readonly LogLine[];
  readonly total: number;
  readonly whole: boolean;
}

interface Kept {
  readonly line: LogLine;
  readonly size: number;
}

/** Keeps of a log what a status can hold: all of a small one, of a large one the first and the last lines. */
export class LogCapture {
  #total = 0;
  #size = 0;
  #head: Kept[] = [];
  /** The last lines of a large log; those before `#from` no longer count. */
  #tail: Kept[] | undefined;
  #from = 0;
  #tailSize = 0;

  get total(): number {
    return this.#total;
  }

  /** Adds a line, whose id must be `total + 1`; `encoded` is `encodeLine(line)`. */
  add(line: LogLine, encoded: string): void {
    this.#total += 1;
    const size = Buffer.byteLength(encoded) + 1;
    if (this.#tail !== undefined) {
      this.#addTail(line, size);
      return;
    }
    this.#head.push({ line, size });
    this.#size += size;
    if (this.#size > INLINE_LOG_BYTES || this.#total > INLINE_LINES) this.#split();
  }

  summary(): LogSummary {
    const kept = this.#tail === undefined ? this.#head : [...this.#head, ...this.#tail.slice(this.#from)];
    return { lines: kept.map(({ line }) => line), total: this.#total, whole: this.#tail === undefined };
  }

  #split(): void {
    const all = this.#head;
    this.#head = [];
    this.#tail = [];
    let size = 0;
    for (const { line } of all) {
      const cut = cutLine(line);
      const bytes = Buffer.byteLength(encodeLine(cut)) + 1;
      if (this.#tail.length === 0 && size + bytes <= INLINE_LOG_BYTES / 2 && this.#head.length < INLINE_LINES / 2) {
        this.#head.push({ line: cut, size: bytes });
        size += bytes;
      } else this.#addTail(cut, bytes);
    }
  }

  #addTail(line: LogLine, size: number): void {
    const tail = (this.#tail ??= []);
    const cut = size > CUT_LINE_BYTES ? cutLine(line) : line;
    const bytes = cut === line ? size : Buffer.byteLength(encodeLine(cut)) + 1;
    tail.push({ line: cut, size: bytes });
    this.#tailSize += bytes;
    while (this.#tailSize > INLINE_LOG_BYTES / 2 || tail.length - this.#from > INLINE_LINES / 2) {
      this.#tailSize -= tail[this.#from]?.size ?? 0;
      this.#from += 1;
    }
    if (this.#from < INLINE_LINES) return;
    this.#tail = tail.slice(this.#from);
    this.#from = 0;
  }
}

function cutLine(line: LogLine): LogLine {
  let limit = CUT_LINE_BYTES;
  let message = cutText(line.message, limit);
  // Control characters take six bytes in JSON.
  while (Buffer.byteLength(JSON.stringify(message)) > 2 * CUT_LINE_BYTES)
    message = cutText(line.message, (limit >>= 1));
  return message === line.message ? line : { ...line, message };
}
