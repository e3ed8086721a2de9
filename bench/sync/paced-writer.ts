import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Calls `write` for each of `count` steps, `perSecond` of them in a second, each at its time; one that comes late does not move the
 * others. Resolves with the rate that was reached.
 */
export async function paced(count: number, perSecond: number, write: (i: number) => Promise<void>): Promise<number> {
  const begun = performance.now();
  const running = new Set<Promise<void>>();
  for (let i = 0; i < count; i += 1) {
    const due = begun + (i * 1000) / perSecond;
    const early = due - performance.now();
    if (early > 1) await sleep(early);
    const step = write(i).finally(() => running.delete(step));
    running.add(step);
    if (running.size >= 4) await Promise.race(running);
  }
  await Promise.all(running);
  return (count * 1000) / (performance.now() - begun);
}
