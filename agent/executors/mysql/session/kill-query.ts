import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from '../../../connections/target.ts';
import { MysqlSession } from './session.ts';
import type { Flavour } from './session.ts';

export interface KillOptions {
  /** The whole connection, not only what it executes. */
  readonly connection?: boolean;
  /** How long it may take to say it. */
  readonly timeoutMs?: number;
  /** As of `SessionOptions`. */
  readonly flavour?: Flavour;
}

const TIMEOUT_MS = 5000;

/**
 * Stops what a connection executes, by another connection of the same login. Resolves when the server has taken it, which says nothing of its effect; rejects when it could not be said.
 */
export async function killQuery(target: Target, threadId: number, options: KillOptions = {}): Promise<void> {
  const { connection = false, timeoutMs = TIMEOUT_MS, flavour } = options;
  const work = async (): Promise<void> => {
    const session = await MysqlSession.connect(target, { connectTimeoutMs: timeoutMs, ...(flavour && { flavour }) });
    try {
      await session.execute(`KILL ${connection ? 'CONNECTION' : 'QUERY'} ${threadId}`, timeoutMs);
    } finally {
      await session.end();
    }
  };
  const late = delay(timeoutMs, undefined, { ref: false }).then(() => {
    throw new Error(`the server did not take the KILL within ${timeoutMs} ms`);
  });
  const working = work();
  working.catch(() => undefined);
  late.catch(() => undefined);
  await Promise.race([working, late]);
}
