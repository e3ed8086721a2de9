import type { ServerVersion } from '../text/executable-comment.ts';
import { SqlTokens } from '../text/sql-tokens.ts';
import type { SqlToken } from '../text/sql-tokens.ts';

/** More of a statement is not looked at: the review is to stay small beside the work. */
const MAX_READ_CHARS = 1024 * 1024;

/** The tokens of a statement, and how deep in round brackets each stands. */
export class StatementTokens {
  /** The text that the tokens' places are about: without comments that hold code. */
  readonly text: string;
  readonly list: readonly SqlToken[];
  /** Only its begin was read. */
  readonly cut: boolean;
  readonly #depths: number[] = [];

  constructor(text: string, server?: ServerVersion, maxChars = MAX_READ_CHARS) {
    this.cut = text.length > maxChars;
    const head = this.cut ? text.slice(0, maxChars) : text;
    const read = readAll(head, server);
    // What is taken from the text shall hold no half of such a comment.
    this.text = /\/\*M?!/.test(head) ? plainText(head, read) : head;
    this.list = this.text === head ? read : readAll(this.text, server);
    let depth = 0;
    for (const token of this.list) {
      if (token.kind === 'symbol' && token.text === ')') depth = Math.max(0, depth - 1);
      this.#depths.push(depth);
      if (token.kind === 'symbol' && token.text === '(') depth += 1;
    }
  }

  get length(): number {
    return this.list.length;
  }

  at(index: number): SqlToken | undefined {
    return this.list[index];
  }

  /** How many brackets are open around it; a bracket itself stands outside. */
  depth(index: number): number {
    return this.#depths[index] ?? 0;
  }

  /** The keyword there, in upper case; empty: there is none. */
  word(index: number): string {
    const token = this.list[index];
    return token?.kind === 'word' ? token.text : '';
  }

  isSymbol(index: number, symbol: string): boolean {
    const token = this.list[index];
    return token?.kind === 'symbol' && token.text === symbol;
  }

  /** The first of these words at a depth, from `from` on and before `to`; -1: none. */
  find(words: ReadonlySet<string>, from: number, depth: number, to = this.length): number {
    for (let index = from; index < to; index += 1)
      if (this.#depths[index] === depth && words.has(this.word(index))) return index;
    return -1;
  }

  /** The bracket that closes the one at `open`, or the end. */
  closing(open: number): number {
    const depth = this.depth(open);
    for (let index = open + 1; index < this.length; index += 1)
      if (this.#depths[index] === depth && this.isSymbol(index, ')')) return index;
    return this.length;
  }

  /** The text from one token up to another, which is not part of it. */
  slice(from: number, to = this.length): string {
    const start = this.list[from]?.start;
    if (start === undefined || to <= from) return '';
    return this.text.slice(start, this.list[to - 1]?.end);
  }

  /** The text of a string or name with its quotes. */
  raw(index: number): string {
    const token = this.list[index];
    return token === undefined ? '' : this.text.slice(token.start, token.end);
  }
}

function readAll(text: string, server: ServerVersion | undefined): SqlToken[] {
  const tokens = new SqlTokens(text, server);
  const list: SqlToken[] = [];
  for (let token = tokens.next(); token.kind !== 'end'; token = tokens.next()) list.push(token);
  return list;
}

/** The tokens with one space where there was anything between them. */
function plainText(text: string, tokens: readonly SqlToken[]): string {
  let plain = '';
  let end = -1;
  for (const token of tokens) {
    plain += (end >= 0 && token.start > end ? ' ' : '') + text.slice(token.start, token.end);
    end = token.end;
  }
  return plain;
}
