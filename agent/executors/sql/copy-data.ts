import { SqlSyntaxError } from './sql-syntax-error.ts';
import type { TextWindow } from './text-window.ts';

/** Reads the lines that follow COPY … FROM stdin; up to the line `\.`, as psql does. */
export class CopyData {
  readonly #window: TextWindow;
  readonly #line: number;
  /** The rest of the statement's own line comes first. */
  #begun = false;
  #ended = false;
  #atLineStart = true;

  /** `line` is that of the statement. */
  constructor(window: TextWindow, line: number) {
    this.#window = window;
    this.#line = line;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The next part of the data; undefined when the window must be fed first, or when it has ended. */
  next(): string | undefined {
    if (this.#ended || (!this.#begun && !this.#begin())) return undefined;
    const { text, pos, final } = this.#window;
    if (this.#atLineStart) {
      const marker = /\\\.\r?(?:\n|$)/y;
      marker.lastIndex = pos;
      const found = marker.exec(text)?.[0];
      if (found !== undefined && (found.endsWith('\n') || final)) {
        this.#window.pos += found.length;
        this.#ended = true;
        return undefined;
      }
      if (!final && ['', '\\', '\\.', '\\.\r'].includes(text.slice(pos, pos + 4))) return undefined;
    }
    if (pos >= text.length) return this.#wait();
    const end = this.#endOfPart();
    this.#atLineStart = text[end - 1] === '\n';
    this.#window.pos = end;
    return text.slice(pos, end);
  }

  /** Up to the next line that may be the marker, which then begins the next part. */
  #endOfPart(): number {
    const { text, pos } = this.#window;
    const next = text.indexOf('\n\\.', pos);
    if (next >= 0) return next + 1;
    return text.endsWith('\n\\') && text.length - 1 > pos ? text.length - 1 : text.length;
  }

  #begin(): boolean {
    const { text, pos, final } = this.#window;
    const end = text.indexOf('\n', pos);
    if (end < 0 && !final) return false;
    if (end < 0 || text.slice(pos, end).trim() !== '')
      throw new SqlSyntaxError(
        'COPY FROM stdin must be followed by a line end, its data and a line with \\.',
        this.#line,
      );
    this.#window.pos = end + 1;
    this.#begun = true;
    return true;
  }

  #wait(): undefined {
    if (this.#window.final)
      throw new SqlSyntaxError('the data of COPY FROM stdin ends without a line with \\.', this.#line);
    return undefined;
  }
}
