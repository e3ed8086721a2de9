import { ADJACENT_FUNCTIONS, BRACKET_WORDS, PURE_FUNCTIONS } from './pure-functions.ts';
import type { StatementTokens } from './statement-tokens.ts';
import { readName } from './table-references.ts';

/**
 * The first call, from a token on, of something that may have effects: no function of the server that only computes.
 * Servers run functions when they explain: MariaDB kept what a stored function inserted during EXPLAIN.
 */
export function foreignCall(tokens: StatementTokens, from = 0): string | undefined {
  const target = insertTarget(tokens);
  for (let index = Math.max(from, 1); index < tokens.length; index += 1) {
    if (!tokens.isSymbol(index, '(') || index === target) continue;
    const before = tokens.at(index - 1);
    if (before === undefined || (before.kind !== 'word' && before.kind !== 'name')) continue;
    const word = tokens.word(index - 1);
    if (BRACKET_WORDS.has(word) || isNameList(tokens, index)) continue;
    const adjacent = before.end === tokens.at(index)?.start;
    if (PURE_FUNCTIONS.has(word) && (adjacent || !ADJACENT_FUNCTIONS.has(word))) continue;
    return `${tokens.raw(index - 1)}()`;
  }
  return sequenceValue(tokens, from);
}

/** NEXT VALUE FOR a sequence of MariaDB counts it on without a bracket. */
function sequenceValue(tokens: StatementTokens, from: number): string | undefined {
  for (let index = from; index < tokens.length; index += 1)
    if (/^(?:NEXT|PREVIOUS)$/.test(tokens.word(index)) && tokens.word(index + 1) === 'VALUE') return 'NEXT VALUE FOR';
  return undefined;
}

/** `WITH a (b) AS (…)`, `(…) AS a (b)`, `(…) a (b)` */
function isNameList(tokens: StatementTokens, open: number): boolean {
  const before = tokens.word(open - 2);
  if (before === 'AS' || tokens.isSymbol(open - 2, ')')) return true;
  const close = tokens.closing(open);
  return tokens.word(close + 1) === 'AS' && tokens.isSymbol(close + 2, '(');
}

/** The bracket behind the table of an INSERT, which lists its columns; -1: there is none. */
function insertTarget(tokens: StatementTokens): number {
  const insert = tokens.find(new Set(['INSERT', 'REPLACE']), 0, 0);
  if (insert < 0 || insert > 64) return -1;
  let index = insert + 1;
  while (/^(?:LOW_PRIORITY|HIGH_PRIORITY|DELAYED|IGNORE|INTO)$/.test(tokens.word(index))) index += 1;
  const next = readName(tokens, index)?.next ?? -1;
  if (tokens.word(next) !== 'PARTITION') return next;
  return tokens.closing(next + 1) + 1;
}
