import type { StatementTokens } from './statement-tokens.ts';

/** How many `(…)` or ROW(…) an INSERT lists between two tokens; `to` below zero: up to the end. */
export function countTuples(tokens: StatementTokens, from: number, to: number): number {
  const depth = tokens.depth(from);
  let count = 0;
  for (let index = from; index < (to < 0 ? tokens.length : to); index += 1)
    if (tokens.depth(index) === depth && tokens.isSymbol(index, '(')) count += 1;
  return count;
}
