import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from '../../connections/target.ts';
import { MysqlSession } from './session.ts';

/** How long one attempt to stop something may take. */
const ATTEMPT_MS = 5000;

/**
 * Stops what a connection executes, by another connection of the same login: KILL QUERY, or with `connection` the whole
 * connection. Resolves when the server has taken it, which says nothing of its effect; rejects when it could not be said.
 */
export async function killQuery(target: Target, threadId: number, connection = false): Promise<void> {
  const work = async (): Promise<void> => {
    const session = await MysqlSession.connect(target, { connectTimeoutMs: ATTEMPT_MS });
    try {
      await session.execute(`KILL ${connection ? 'CONNECTION' : 'QUERY'} ${threadId}`, ATTEMPT_MS);
    } finally {
      await session.end();
    }
  };
  const late = delay(ATTEMPT_MS, undefined, { ref: false }).then(() => {
    throw new Error(`the server did not take the KILL within ${ATTEMPT_MS} ms`);
  });
  const working = work();
  working.catch(() => undefined);
  late.catch(() => undefined);
  await Promise.race([working, late]);
}
