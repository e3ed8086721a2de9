import { setImmediate as turn } from 'node:timers/promises';

/** After this many items the agent's other work gets its turn. */
const ITEMS_A_TURN = 4_096;

/** Gives items one by one and lets other work run between them. Rejects with the signal's reason when that aborts. */
export async function* paced<T>(items: Iterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  let count = 0;
  for (const item of items) {
    yield item;
    count += 1;
    if (count % ITEMS_A_TURN !== 0) continue;
    await turn();
    signal.throwIfAborted();
  }
}
