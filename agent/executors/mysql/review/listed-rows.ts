import type { StatementTokens } from './statement-tokens.ts';

/** Of an INSERT that lists many rows so much is read; of the rest the rows are only counted. */
export const LIST_HEAD_CHARS = 4 * 1024;
const LONG_CHARS = 16 * 1024;

const [QUOTE, DOUBLE, BACKTICK, OPEN, CLOSE, BACKSLASH] = [39, 34, 96, 40, 41, 92];

/** Whether a statement lists rows without a query or a comment among them: dumps are full of such. */
export function isLongList(text: string): boolean {
  if (text.length <= LONG_CHARS || !/^\s*(?:INSERT|REPLACE)\b/i.test(text)) return false;
  // One after the other: together they take ten times as long.
  return !['/*', '--', '#'].some((mark) => text.includes(mark)) && !/select/i.test(text) && !/table/i.test(text);
}

/** How many `(…)` or ROW(…) an INSERT lists between two tokens; `to` below zero: up to the end. */
export function countTuples(tokens: StatementTokens, from: number, to: number): number {
  const depth = tokens.depth(from);
  let count = 0;
  for (let index = from; index < (to < 0 ? tokens.length : to); index += 1)
    if (tokens.depth(index) === depth && tokens.isSymbol(index, '(')) count += 1;
  return count;
}

/** The same of a long list by its text alone; undefined: its begin has no VALUES. */
export function countListed(text: string, tokens: StatementTokens, main: number): number | undefined {
  const values = tokens.find(new Set(['VALUES', 'VALUE']), main, tokens.depth(main));
  const from = tokens.at(values)?.end;
  if (values < 0 || from === undefined) return undefined;
  let depth = 0;
  let count = 0;
  for (let pos = from; pos < text.length; pos += 1) {
    const code = text.charCodeAt(pos);
    if (code === QUOTE || code === DOUBLE || code === BACKTICK) pos = endOfQuoted(text, pos, code);
    else if (code === OPEN) {
      if (depth === 0) count += 1;
      depth += 1;
    } else if (code === CLOSE) depth -= 1;
    // ON DUPLICATE KEY UPDATE, AS new, RETURNING; not ROW(…).
    else if (depth === 0 && (code | 32) >= 97 && (code | 32) <= 122) {
      if (!/^row\b/i.test(text.slice(pos, pos + 4))) break;
      pos += 2;
    }
  }
  return count;
}

function endOfQuoted(text: string, start: number, quote: number): number {
  for (let pos = start + 1; pos < text.length; pos += 1) {
    const code = text.charCodeAt(pos);
    if (code === BACKSLASH && quote !== BACKTICK) pos += 1;
    else if (code === quote) return pos;
  }
  return text.length;
}
