import { isUtf8 } from 'node:buffer';
import { MAX_LINE_BYTES } from './log-line.ts';
import { headWithin } from './utf8.ts';

const NEWLINE = 0x0a;

/**
 * Turns one stream of bytes into lines of text. Bytes that are not UTF-8 become U+FFFD; lines beyond `MAX_LINE_BYTES`
 * are split between characters. Holds one unfinished line at most.
 */
export class LineSplitter {
  #rest: Buffer | undefined;

  /** The lines that `chunk` completes. */
  push(chunk: Buffer): string[] {
    const end = chunk.lastIndexOf(NEWLINE);
    if (end < 0) return this.#keep(chunk, []);
    const whole =
      this.#rest === undefined ? chunk.subarray(0, end) : Buffer.concat([this.#rest, chunk.subarray(0, end)]);
    this.#rest = undefined;
    const lines = toLines(whole);
    return end + 1 < chunk.length ? this.#keep(chunk.subarray(end + 1), lines) : lines;
  }

  /** What is left when the stream has ended without a line end. */
  end(): string[] {
    const rest = this.#rest;
    this.#rest = undefined;
    return rest === undefined ? [] : toLines(rest);
  }

  #keep(bytes: Buffer, lines: string[]): string[] {
    let rest = this.#rest === undefined ? bytes : Buffer.concat([this.#rest, bytes]);
    while (rest.length > MAX_LINE_BYTES) {
      const piece = headWithin(rest, MAX_LINE_BYTES);
      lines.push(...splitLong(piece));
      rest = rest.subarray(piece.length);
    }
    // A copy, so that a short rest does not keep a whole chunk in memory.
    this.#rest = rest.length === 0 ? undefined : Buffer.from(rest);
    return lines;
  }
}

/** Splits bytes without their last line end. */
function toLines(bytes: Buffer): string[] {
  const lines = bytes.toString('utf8').split('\n');
  // Three bytes are the most that a UTF-16 unit takes, so most lines need no second look.
  const fits = lines.every((line) => line.length * 3 <= MAX_LINE_BYTES);
  const out = fits ? lines : lines.flatMap((line) => splitLong(Buffer.from(line)));
  return out.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
}

function splitLong(bytes: Buffer): string[] {
  if (bytes.length === 0) return [''];
  const pieces: string[] = [];
  // Every byte that is not UTF-8 becomes a character of three.
  const limit = isUtf8(bytes) ? MAX_LINE_BYTES : Math.floor(MAX_LINE_BYTES / 3);
  for (let rest = bytes; rest.length > 0;) {
    const piece = headWithin(rest, limit);
    pieces.push(piece.toString('utf8'));
    rest = rest.subarray(piece.length);
  }
  return pieces;
}
