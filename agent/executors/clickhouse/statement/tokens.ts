export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'name' | 'symbol' | 'end';
  readonly start: number;
  readonly end: number;
}

/** A statement cannot be taken apart. */
export class StatementError extends Error {
  override readonly name = 'StatementError';
}

const SPACE = /(?:[\s\u200b\ufeff]+|--[^\n]*|#[ !][^\n]*)+/y;
const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const NUMBER = /0x[\da-f]+|0b[01]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?/iy;

/** The next token of a ClickHouse statement, comments passed over. Throws `StatementError` on a quote or comment without end. */
export function nextToken(text: string, from: number): Token {
  const start = skipSpace(text, from);
  if (start >= text.length) return { kind: 'end', start, end: start };
  const char = text[start] ?? '';
  if (char === "'") return { kind: 'string', start, end: endOfQuoted(text, start) };
  if (char === '`' || char === '"') return { kind: 'name', start, end: endOfQuoted(text, start) };
  const word = matchEnd(WORD, text, start);
  if (word > start) return { kind: 'word', start, end: word };
  const number = matchEnd(NUMBER, text, start);
  if (number > start) return { kind: 'number', start, end: number };
  return { kind: 'symbol', start, end: start + 1 };
}

/** Where the next token begins. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const end = matchEnd(SPACE, text, at);
    if (!text.startsWith('/*', end)) return end;
    at = text.indexOf('*/', end + 2) + 2;
    if (at < 2) throw new StatementError('a comment does not end');
  }
}

/** Where a quoted text ends, its last quote included. Backslashes escape; a doubled quote stands for itself. */
function endOfQuoted(text: string, start: number): number {
  const quote = text.charCodeAt(start);
  for (let i = start + 1; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 92) i += 1;
    else if (code === quote) {
      if (text.charCodeAt(i + 1) !== quote) return i + 1;
      i += 1;
    }
  }
  throw new StatementError(`a quote does not end: ${JSON.stringify(text.slice(start, start + 40))}`);
}

function matchEnd(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : start;
}
