import { executesComment } from './executable-comment.ts';
import type { ServerVersion } from './executable-comment.ts';

export interface SqlToken {
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'variable' | 'symbol' | 'end';
  /** A word in upper case; a name or string without its quotes; a variable with its `@`; else as it stands. */
  readonly text: string;
  /** Where it begins in the statement. */
  readonly start: number;
  readonly end: number;
  /** Right behind a dot: a word there is a name, whatever it says. */
  readonly dotted: boolean;
}

/** White space, as the server's scanner has it. */
const SPACE = /[\0- ]+/y;
const LINE = /[^\n]*/y;
const WORD = /[\w$\u0080-\uffff]+/y;
const NUMBER = /^(?:\d+|\d+e\d+|0x[\da-f]+|0b[01]+)$/i;
/** `1.5`, `.5e-3`, `1.`; not `1.a`, where 1 may be a name. */
const FRACTION = /(?:\d+\.(?![A-Za-z_$\u0080-\uffff])\d*|\.\d+)(?:e[+-]?\d+)?/iy;
const VARIABLE = /@@?[\w$.\u0080-\uffff]*/y;
const COMMENT_OPEN = /\/\*M?!(\d{5,6})?/y;
const COMMENT_MARK = /\/\*|\*\//g;

/**
 * Reads the tokens of a statement as MySQL's and MariaDB's own scanners do, also those of `/*! … *\/` comments that the
 * server would execute. It never fails: what is not ended ends with the text.
 */
export class SqlTokens {
  readonly #text: string;
  readonly #server: ServerVersion | undefined;
  #pos = 0;
  /** Inside an executable comment: its end mark is no operator. */
  #inComment = false;
  #dot = false;

  constructor(text: string, server?: ServerVersion) {
    this.#text = text;
    this.#server = server;
  }

  /** How far it has read. */
  get pos(): number {
    return this.#pos;
  }

  /** The next token; `end` again and again when there is none. */
  next(): SqlToken {
    this.#skipGaps();
    const text = this.#text;
    const start = this.#pos;
    const dotted = this.#dot;
    const token = (kind: SqlToken['kind'], value: string): SqlToken => {
      this.#dot = kind === 'symbol' && value === '.';
      return { kind, text: value, start, end: this.#pos, dotted };
    };
    const char = text[start];
    if (char === undefined) return token('end', '');
    if (char === "'" || char === '"') return token('string', this.#readQuoted(char, true));
    if (char === '`') return token('name', this.#readQuoted(char, false));
    if (char === '@') return token('variable', this.#readVariable());
    if (!dotted && this.#match(FRACTION) !== '') return token('number', text.slice(start, this.#pos));
    const word = this.#match(WORD);
    if (word === '') {
      this.#pos += 1;
      return token('symbol', char);
    }
    if (dotted) return token('name', word);
    return NUMBER.test(word) ? token('number', word) : token('word', word.toUpperCase());
  }

  #skipGaps(): void {
    const text = this.#text;
    for (;;) {
      this.#match(SPACE);
      const pos = this.#pos;
      const char = text.charCodeAt(pos);
      if (char === 35 || (char === 45 && /^--(?:[\0- ]|$)/.test(text.slice(pos, pos + 3)))) this.#match(LINE);
      else if (char === 47 && text[pos + 1] === '*') this.#openComment();
      else if (this.#inComment && char === 42 && text[pos + 1] === '/') {
        this.#inComment = false;
        this.#pos += 2;
      } else return;
    }
  }

  #openComment(): void {
    const start = this.#pos;
    const open = this.#match(COMMENT_OPEN);
    if (open === '') {
      const end = this.#text.indexOf('*/', start + 2);
      this.#pos = end < 0 ? this.#text.length : end + 2;
    } else if (executesComment(open, this.#server)) this.#inComment = true;
    else this.#skipNested();
  }

  /** A comment that is not executed may hold plain comments. */
  #skipNested(): void {
    let depth = 1;
    COMMENT_MARK.lastIndex = this.#pos;
    while (depth > 0) {
      const mark = COMMENT_MARK.exec(this.#text)?.[0];
      if (mark === undefined) {
        this.#pos = this.#text.length;
        return;
      }
      depth += mark === '/*' ? 1 : -1;
      this.#pos = COMMENT_MARK.lastIndex;
    }
  }

  /** What stands in the quotes. */
  #readQuoted(quote: string, escapes: boolean): string {
    const text = this.#text;
    const code = quote.charCodeAt(0);
    const start = this.#pos + 1;
    let pos = start;
    for (; pos < text.length; pos += 1) {
      const at = text.charCodeAt(pos);
      if (escapes && at === 92) pos += 1;
      else if (at === code) {
        if (text.charCodeAt(pos + 1) !== code) break;
        pos += 1;
      }
    }
    this.#pos = Math.min(pos + 1, text.length);
    return text.slice(start, Math.min(pos, text.length)).replaceAll(quote + quote, quote);
  }

  #readVariable(): string {
    const plain = this.#match(VARIABLE);
    const quote = this.#text[this.#pos];
    if (plain !== '@' || (quote !== "'" && quote !== '"' && quote !== '`')) return plain;
    return `@${this.#readQuoted(quote, quote !== '`')}`;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#pos;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#pos += found.length;
    return found;
  }
}
