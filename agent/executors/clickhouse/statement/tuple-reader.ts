import type { Literal } from '../native/literal.ts';
import { nextToken, skipSpace, StatementError } from './tokens.ts';
import { readString } from './string-literal.ts';

/** One value of a tuple after VALUES. */
export interface TupleItem {
  /** Undefined: an expression, which only the server can evaluate. */
  readonly literal: Literal | undefined;
  /** Where it stands in the statement. */
  readonly start: number;
  readonly end: number;
}

interface ReadLiteral {
  readonly literal: Literal;
  readonly end: number;
}

/** Arrays and tuples in one another; deeper ones count as expressions. */
const MAX_DEPTH = 32;
const SPECIAL_NUMBERS = /^(?:inf|infinity|nan)$/i;

/** Reads the tuples after VALUES one by one. Throws `StatementError` where there is none. */
export class TupleReader {
  readonly #text: string;
  #at: number;
  #count = 0;

  constructor(text: string, start: number) {
    this.#text = text;
    this.#at = start;
  }

  /** Undefined after the last one. */
  next(): readonly TupleItem[] | undefined {
    const text = this.#text;
    let token = nextToken(text, this.#at);
    if (token.kind === 'symbol' && text[token.start] === ',' && this.#count > 0) token = nextToken(text, token.end);
    if (token.kind === 'end') return undefined;
    this.#count += 1;
    if (text[token.start] !== '(') throw this.#error('does not begin with a bracket', token.start);
    const items: TupleItem[] = [];
    let at = token.end;
    for (;;) {
      const item = this.#item(at);
      items.push(item);
      const after = nextToken(text, item.end);
      const separator = text[after.start];
      if (separator === ')') {
        this.#at = after.end;
        return items;
      }
      at = after.end;
    }
  }

  #item(from: number): TupleItem {
    const start = skipSpace(this.#text, from);
    const found = this.#literal(start, 0);
    if (found !== undefined) {
      const after = this.#text[skipSpace(this.#text, found.end)];
      if (after === ',' || after === ')') return { literal: found.literal, start, end: found.end };
    }
    return { literal: undefined, start, end: this.#endOfExpression(start) };
  }

  #endOfExpression(start: number): number {
    const text = this.#text;
    let depth = 0;
    // Remarks behind the expression are none of it.
    let end = start;
    for (let token = nextToken(text, start); ; token = nextToken(text, token.end)) {
      if (token.kind === 'end') throw this.#error('does not end', start);
      const before = end;
      end = token.end;
      if (token.kind !== 'symbol') continue;
      const char = text[token.start] ?? '';
      if (depth === 0 && (char === ',' || char === ')')) {
        if (token.start === start) throw this.#error('lacks a value', start);
        return before;
      }
      if ('([{'.includes(char)) depth += 1;
      else if (')]}'.includes(char)) depth -= 1;
    }
  }

  #literal(from: number, depth: number): ReadLiteral | undefined {
    const text = this.#text;
    const token = nextToken(text, from);
    const source = text.slice(token.start, token.end);
    switch (token.kind) {
      case 'string': {
        const value = readString(text.slice(token.start + 1, token.end - 1));
        return value === undefined ? undefined : { literal: { kind: 'string', value }, end: token.end };
      }
      case 'number':
        return { literal: { kind: 'number', text: decimalText(source) }, end: token.end };
      case 'word':
        if (source.toLowerCase() === 'null') return { literal: { kind: 'null' }, end: token.end };
        return SPECIAL_NUMBERS.test(source)
          ? { literal: { kind: 'number', text: source.toLowerCase().slice(0, 3) }, end: token.end }
          : undefined;
      case 'symbol':
        if (source === '-' || source === '+') return signed(source, this.#literal(token.end, MAX_DEPTH));
        if (depth >= MAX_DEPTH) return undefined;
        if (source === '[') return this.#list('array', ']', token.end, depth + 1);
        return source === '(' ? this.#list('tuple', ')', token.end, depth + 1) : undefined;
      default:
        return undefined;
    }
  }

  #list(kind: 'array' | 'tuple', close: string, from: number, depth: number): ReadLiteral | undefined {
    const text = this.#text;
    const items: Literal[] = [];
    let at = from;
    for (;;) {
      const start = skipSpace(text, at);
      if (text[start] === close && (items.length === 0) === (at === from))
        return { literal: { kind, items }, end: start + 1 };
      const item = this.#literal(start, depth);
      if (item === undefined) return undefined;
      items.push(item.literal);
      const after = skipSpace(text, item.end);
      if (text[after] === close) return { literal: { kind, items }, end: after + 1 };
      if (text[after] !== ',') return undefined;
      at = after + 1;
    }
  }

  #error(what: string, at: number): StatementError {
    const near = JSON.stringify(this.#text.slice(at, at + 40));
    return new StatementError(`row ${this.#count} after VALUES ${what}, near ${near}`);
  }
}

/** `0x1F` is 31, `1_000` is 1000. What is longer than any number of a column stays as it is. */
function decimalText(source: string): string {
  if (source.length > 1_000) return source;
  return /^0[xb]/i.test(source) ? String(BigInt(source)) : source.replaceAll('_', '');
}

function signed(sign: string, number: ReadLiteral | undefined): ReadLiteral | undefined {
  if (number?.literal.kind !== 'number' || /^[+-]/.test(number.literal.text)) return undefined;
  return { literal: { kind: 'number', text: sign + number.literal.text }, end: number.end };
}
