import type { StatementTokens } from './statement-tokens.ts';

const OR = new Set(['OR']);
const AND = new Set(['AND']);
const COMPARISONS = new Set(['=', '<=>', '<>', '!=', '<', '>', '<=', '>=']);

/**
 * Whether a condition between two tokens is plainly true for every row: `1`, `1 = 1`, `id = id`, `a LIKE '%'`, also as
 * one side of OR. What only the server can work out is not seen.
 */
export function isAlwaysTrue(tokens: StatementTokens, from: number, to: number): boolean {
  if (from >= to) return false;
  if (tokens.isSymbol(from, '(') && tokens.closing(from) === to - 1) return isAlwaysTrue(tokens, from + 1, to - 1);
  const depth = tokens.depth(from);
  if (tokens.find(new Set(['XOR', 'CASE', 'BETWEEN']), from, depth, to) >= 0) return false;
  return split(tokens, [from, to], OR, '|').some((side) =>
    split(tokens, side, AND, '&').every(([start, end]) => isTrueTerm(tokens, start, end)),
  );
}

type Range = readonly [from: number, to: number];

/** Parts between words or doubled signs at the range's own depth. */
function split(tokens: StatementTokens, [from, to]: Range, words: ReadonlySet<string>, sign: string): Range[] {
  const depth = tokens.depth(from);
  const parts: Range[] = [];
  let start = from;
  for (let index = from; index < to; index += 1) {
    if (tokens.depth(index) !== depth) continue;
    const doubled = tokens.isSymbol(index, sign) && tokens.isSymbol(index + 1, sign);
    if (!doubled && !words.has(tokens.word(index))) continue;
    parts.push([start, index]);
    start = index + (doubled ? 2 : 1);
    if (doubled) index += 1;
  }
  return [...parts, [start, to]];
}

function isTrueTerm(tokens: StatementTokens, from: number, to: number): boolean {
  if (from >= to) return false;
  if (tokens.isSymbol(from, '(') && tokens.closing(from) === to - 1) return isAlwaysTrue(tokens, from + 1, to - 1);
  const depth = tokens.depth(from);
  if (tokens.word(from) === 'NOT' || tokens.isSymbol(from, '!'))
    return literalOf(tokens, inner(tokens, [from + 1, to])) === 0;
  const like = tokens.find(new Set(['LIKE']), from, depth, to);
  if (like > from && tokens.word(like - 1) !== 'NOT') return isLike(tokens, [from, like], [like + 1, to]);
  const within = tokens.find(new Set(['IN']), from, depth, to);
  if (within > from && tokens.word(within - 1) !== 'NOT') return isIn(tokens, [from, within], within + 1);
  const operator = findComparison(tokens, from, to);
  if (operator === undefined) {
    const value = literalOf(tokens, [from, to]);
    return typeof value === 'number' ? value !== 0 : value !== undefined && Number.parseFloat(value) > 0;
  }
  return compare(tokens, [from, operator.at], operator.sign, [operator.at + operator.length, to]);
}

function isLike(tokens: StatementTokens, left: Range, right: Range): boolean {
  const pattern = literalOf(tokens, right);
  return (typeof pattern === 'string' && /^%+$/.test(pattern)) || same(tokens, left, right);
}

function isIn(tokens: StatementTokens, left: Range, open: number): boolean {
  if (!tokens.isSymbol(open, '(') || literalOf(tokens, left) === undefined) return false;
  for (let index = open + 1; index < tokens.closing(open); index += 1)
    if (same(tokens, left, [index, index + 1])) return true;
  return false;
}

function compare(tokens: StatementTokens, left: Range, sign: string, right: Range): boolean {
  const [a, b] = [literalOf(tokens, left), literalOf(tokens, right)];
  if (a === undefined || b === undefined || typeof a !== typeof b)
    // id = id is true of every row that has one.
    return /^(?:=|<=>|<=|>=)$/.test(sign) && a === undefined && b === undefined && same(tokens, left, right);
  switch (sign) {
    case '=':
    case '<=>':
      return a === b;
    case '<>':
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '>':
      return a > b;
    case '<=':
      return a <= b;
    default:
      return a >= b;
  }
}

function findComparison(
  tokens: StatementTokens,
  from: number,
  to: number,
): { readonly at: number; readonly sign: string; readonly length: number } | undefined {
  const depth = tokens.depth(from);
  for (let index = from; index < to; index += 1) {
    if (tokens.depth(index) !== depth || !/[=<>!]/.test(tokens.at(index)?.text ?? '')) continue;
    if (tokens.at(index)?.kind !== 'symbol') continue;
    let sign = '';
    while (index + sign.length < to && tokens.at(index + sign.length)?.kind === 'symbol') {
      const next = sign + (tokens.at(index + sign.length)?.text ?? '');
      if (!/^[=<>!]+$/.test(next)) break;
      sign = next;
    }
    return COMPARISONS.has(sign) ? { at: index, sign, length: sign.length } : undefined;
  }
  return undefined;
}

/** A number, or a text in lower case; undefined: it is something else. */
function literalOf(tokens: StatementTokens, range: Range): number | string | undefined {
  const [from, to] = inner(tokens, range);
  if (to - from !== 1) return undefined;
  const token = tokens.at(from);
  if (token?.kind === 'number') return Number(token.text);
  if (token?.kind === 'string' && tokens.raw(from).startsWith("'")) return token.text.toLowerCase();
  return token?.kind !== 'word' ? undefined : token.text === 'TRUE' ? 1 : token.text === 'FALSE' ? 0 : undefined;
}

/** The same name or literal on both sides. A function may give something else each time. */
function same(tokens: StatementTokens, left: Range, right: Range): boolean {
  const [a, b] = [inner(tokens, left), inner(tokens, right)].map(([from, to]) => tokens.slice(from, to).toLowerCase());
  return a !== '' && a === b && !/[(@]/.test(a ?? '(');
}

/** Without brackets around it. */
function inner(tokens: StatementTokens, [from, to]: Range): Range {
  let [start, end] = [from, to];
  while (end - start > 2 && tokens.isSymbol(start, '(') && tokens.closing(start) === end - 1) {
    start += 1;
    end -= 1;
  }
  return [start, end];
}
