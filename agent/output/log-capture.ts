import { encodeLine } from './log-line.ts';
import type { LogLevel, LogLine } from './log-line.ts';
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

/** Lines that came together. */
interface Batch {
  readonly firstId: number;
  readonly level: LogLevel;
  readonly timestamp: string;
  readonly messages: readonly string[];
}

/**
 * Keeps of a log what a status can hold: all of a small one, of a large one the first and the last lines. Batches are
 * kept as they come and looked at only in the end, so that a million lines cost no work on each.
 */
export class LogCapture {
  #total = 0;
  /** What all lines take as JSON; counted while the log may still be small. */
  #size = 0;
  #head: Batch[] = [];
  #tail: Batch[] = [];
  #tailLines = 0;
  #tailLength = 0;
  #large = false;

  get total(): number {
    return this.#total;
  }

  /** The next line has this number: those before it are not to be had any more. */
  goOnFrom(id: number): void {
    if (id <= this.#total + 1) return;
    this.#total = id - 1;
    this.#large = true;
  }

  /** Adds lines, numbered from `total + 1`. */
  add(level: LogLevel, timestamp: string, messages: readonly string[]): void {
    const batch = { firstId: this.#total + 1, level, timestamp, messages };
    this.#total += messages.length;
    if (this.#large) {
      this.#addTail(batch);
      return;
    }
    this.#head.push(batch);
    for (const line of linesOf(batch)) if (this.#size <= INLINE_LOG_BYTES) this.#size += sizeOf(line);
    if (this.#size <= INLINE_LOG_BYTES && this.#total <= INLINE_LINES) return;
    this.#large = true;
    for (const one of this.#head) this.#addTail(one);
  }

  summary(): LogSummary {
    const all = this.#head.flatMap(linesOf);
    if (!this.#large) return { lines: all, total: this.#total, whole: true };
    const first = within(all.slice(0, INLINE_LINES / 2).map(cutLine));
    const lastId = first.at(-1)?.id ?? 0;
    const later = this.#tail.flatMap(linesOf).slice(-INLINE_LINES / 2);
    const last = within(
      later
        .filter(({ id }) => id > lastId)
        .map(cutLine)
        .reverse(),
    ).reverse();
    return { lines: [...first, ...last], total: this.#total, whole: false };
  }

  /** Keeps as many of the last batches as may be needed. */
  #addTail(batch: Batch): void {
    this.#tail.push(batch);
    this.#tailLines += batch.messages.length;
    this.#tailLength += lengthOf(batch);
    for (let oldest = this.#tail[0]; oldest !== undefined && this.#tail.length > 1; oldest = this.#tail[0]) {
      const lines = this.#tailLines - oldest.messages.length;
      const length = this.#tailLength - lengthOf(oldest);
      if (lines < INLINE_LINES / 2 && length < INLINE_LOG_BYTES) return;
      this.#tail.shift();
      this.#tailLines = lines;
      this.#tailLength = length;
    }
  }
}

const linesOf = ({ firstId, level, timestamp, messages }: Batch): LogLine[] =>
  messages.map((message, index) => ({ id: firstId + index, level, timestamp, message }));

const sizeOf = (line: LogLine): number => Buffer.byteLength(encodeLine(line)) + 1;

/** Characters, of which each takes at least a byte, and what each line takes beside them. */
const lengthOf = ({ messages }: Batch): number => messages.reduce((sum, message) => sum + message.length + 64, 0);

/** As many lines as half of the budget holds. */
function within(lines: readonly LogLine[]): LogLine[] {
  let size = 0;
  const end = lines.findIndex((line) => (size += sizeOf(line)) > INLINE_LOG_BYTES / 2);
  return lines.slice(0, end < 0 ? lines.length : end);
}

function cutLine(line: LogLine): LogLine {
  let limit = CUT_LINE_BYTES;
  let message = cutText(line.message, limit);
  // Control characters take six bytes in JSON.
  while (Buffer.byteLength(JSON.stringify(message)) > 2 * CUT_LINE_BYTES)
    message = cutText(line.message, (limit >>= 1));
  return message === line.message ? line : { ...line, message };
}
