import { setTimeout as delay } from 'node:timers/promises';
import type { Connections } from '../../connections/connections.ts';
import { TaskAborted } from '../executor.ts';
import type { ExecutionContext, Outcome } from '../executor.ts';
import type { LedgerPast } from './ledger-past.ts';
import { LedgerStop } from './ledger-stop.ts';

/** A server that starts together with the agent's host may need a while. */
const CONNECT_MS = 60_000;
const CONNECT_AGAIN_MS = 1000;

/** Of a run whose report does not exist yet. */
export const NOTHING_TOLD = { through: 0, committed: 0 };

/** Whether a task keeps a ledger: as `exec_options.ledger` says, else as its connection's `ledger` does. */
export function ledgerAsked(params: Readonly<Record<string, unknown>>, otherwise: boolean | Connections): boolean {
  const asked = (params['exec_options'] as { readonly ledger?: unknown } | null | undefined)?.ledger ?? undefined;
  if (asked !== undefined) return asked === true;
  if (typeof otherwise === 'boolean') return otherwise;
  const target = params['target'] ?? undefined;
  const name = params['connection'];
  return target === undefined && typeof name === 'string' && otherwise.get(name)?.ledger === true;
}

/**
 * Executes a run, of which `onLedgerRead` is to be called once it is known what an earlier process did. A resumed run
 * that fails before is Unknown: it says nothing of what was done.
 */
export async function resumedOutcome(
  { resumed, resumption }: Pick<ExecutionContext, 'resumed' | 'resumption'>,
  execute: (onLedgerRead: () => void) => Promise<Outcome>,
): Promise<Outcome> {
  let known = false;
  const outcome = await execute(() => (known = true));
  if (!resumed || known || outcome.state !== 'Failed') return outcome;
  const evidence = resumption?.evidence === undefined ? '' : `; it had come to: ${resumption.evidence}`;
  return {
    state: 'Unknown',
    reason: outcome.reason,
    message: `the agent restarted while the task ran${evidence}; its ledger could not be read: ${outcome.message}`,
  };
}

/** Asks for a session, in a resumed run again and again for a minute: only there it stands what was done. */
export async function acquireToResume<S>({ resumed, signal }: ExecutionContext, acquire: () => Promise<S>): Promise<S> {
  const until = performance.now() + CONNECT_MS;
  for (;;) {
    try {
      return await acquire();
    } catch (err) {
      if (!resumed || signal.aborted || err instanceof TaskAborted || performance.now() > until) throw err;
      await delay(CONNECT_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Throws `LedgerStop` when statements were executed, and the ledger on this server does not know of them. */
export function checkLedgerIsThere({ resumption }: ExecutionContext, past: LedgerPast, server: string): void {
  if (resumption?.evidence === undefined || past.begun) return;
  throw new LedgerStop('OutcomeUnknown', `the ledger on ${server} does not know of this run`);
}
