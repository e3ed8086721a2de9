import type { SessionEffect } from '../ledger/ledgered-text.ts';
import { statementKind } from './statement-kind.ts';

/** What belongs to a transaction and is over with it. */
const OF_TRANSACTION = /^\s*SET\s+(LOCAL|TRANSACTION|CONSTRAINTS)\b/i;

/** What another connection cannot have again. A word within a string counts too: then the task says what it did not do. */
const LOST: readonly (readonly [RegExp, string])[] = [
  [/\b(TEMP|TEMPORARY)\b|\bpg_temp\b/i, 'may have made a temporary table'],
  [/^\s*PREPARE\b(?!\s+TRANSACTION)/i, 'prepared a statement'],
  [/\bWITH\s+HOLD\b/i, 'opened a cursor'],
  [/\bset_config\s*\(/i, 'may have changed a setting'],
  [/\bpg_(try_)?advisory_lock/i, 'may have taken a lock'],
];

/** What a statement that was committed in another connection means for those after it. */
export function sessionEffect(text: string): SessionEffect {
  if (statementKind(text) === 'setting') return OF_TRANSACTION.test(text) ? 'none' : 'again';
  const found = LOST.find(([pattern]) => pattern.test(text));
  return found === undefined ? 'none' : { lost: found[1] };
}
