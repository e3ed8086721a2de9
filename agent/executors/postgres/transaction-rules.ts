import type { StatementKind } from './statement-kind.ts';

/** How a transaction ends. */
export type TransactionEnd = 'committed' | 'rolledBack' | 'prepared';

/** What statements make of the transaction of their text. */
export const ENDS = { commit: 'committed', rollback: 'rolledBack', prepare: 'prepared' } as const satisfies Partial<
  Record<StatementKind, TransactionEnd>
>;

/**
 * Why a statement on transactions is not executed: it would end the one that holds the whole text, or pretends to undo
 * what may be committed. `own`: between BEGIN and COMMIT of the text.
 */
export function refusal(
  kind: StatementKind | 'copy',
  { whole, own }: { readonly whole: boolean; readonly own: boolean },
): string | undefined {
  if (whole && (kind === 'begin' || kind in ENDS))
    return 'exec_options.transaction executes the whole text in one transaction: the text cannot begin or end one';
  if (kind === 'rollback' && !own)
    return 'there is no BEGIN before it, and batches of the statements before it may be committed: begin with BEGIN what is to be rolled back';
  return undefined;
}

const FREES_LOCKS = /\bpg_advisory_unlock_all\b|^\s*DISCARD\s+ALL\b/i;
const CHAINS = /\bAND\s+CHAIN\b/i;

/** Why a statement is not executed with a ledger: it would hide from it what is committed, or give its lock away. */
export function ledgerRefusal(kind: StatementKind | 'copy', text: string): string | undefined {
  if (kind === 'prepare')
    return 'exec_options.ledger cannot follow PREPARE TRANSACTION: end the transaction with COMMIT';
  if ((kind === 'commit' || kind === 'rollback') && CHAINS.test(text))
    return 'exec_options.ledger cannot follow AND CHAIN: begin the next transaction with BEGIN';
  if (FREES_LOCKS.test(text)) return 'exec_options.ledger needs its lock, which this would free';
  return undefined;
}
