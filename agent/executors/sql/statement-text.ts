import { SqlSyntaxError } from './sql-syntax-error.ts';
import type { TextWindow } from './text-window.ts';

/** A longer statement is refused: mostly it is a quote that nobody ended. */
const MAX_STATEMENT_CHARS = 64 * 1024 * 1024;

/** The text of the statement that is being read. */
export class StatementText {
  readonly #window: TextWindow;
  /** Where it begins in the window; negative: not yet. */
  #start = -1;
  #line = 1;
  /** What earlier windows held of it. */
  #parts: string[] = [];
  #size = 0;
  #hasCode = false;

  constructor(window: TextWindow) {
    this.#window = window;
  }

  /** Whether there is more than comments. */
  get hasCode(): boolean {
    return this.#hasCode;
  }

  /** It begins at the window's position, unless it has begun. */
  begin(): void {
    if (this.#start >= 0) return;
    this.#start = this.#window.pos;
    this.#line = this.#window.lineAt(this.#start);
  }

  /** The next characters are code. */
  take(count: number): void {
    if (!this.#hasCode) {
      this.begin();
      this.#hasCode = true;
    }
    this.#window.pos += count;
  }

  /** To be called before the window forgets what was read. Throws `SqlSyntaxError`. */
  keep(): void {
    if (this.#start < 0) return;
    const { text, pos } = this.#window;
    this.#parts.push(text.slice(this.#start, pos));
    this.#size += pos - this.#start;
    this.#start = 0;
    this.#checkSize(this.#size);
  }

  /** It ends at the window's position; undefined: there was none. */
  end(): { readonly text: string; readonly line: number } | undefined {
    const { text, pos } = this.#window;
    const found = this.#hasCode;
    if (found) this.#checkSize(this.#size + pos - this.#start);
    const last = found ? text.slice(this.#start, pos) : '';
    const whole = this.#parts.length === 0 ? last : this.#parts.join('') + last;
    if (this.#parts.length > 0) this.#parts = [];
    this.#start = -1;
    this.#size = 0;
    this.#hasCode = false;
    return found ? { text: trimEnd(whole), line: this.#line } : undefined;
  }

  #checkSize(size: number): void {
    if (size > MAX_STATEMENT_CHARS)
      throw new SqlSyntaxError(
        `the statement that begins in line ${this.#line} is longer than ${MAX_STATEMENT_CHARS} characters: is a quote in it not ended?`,
        this.#line,
      );
  }
}

/** Without the white space of SQL; JavaScript's trimEnd takes characters that names may hold. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) <= 32) end -= 1;
  return text.slice(0, end);
}
