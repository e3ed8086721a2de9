import { setTimeout as sleep } from 'node:timers/promises';

/** Looks again and again until it is so. Rejects when it is not so in time. For programs that run without vitest, too. */
export async function until(look: () => Promise<boolean> | boolean, timeoutMs: number, what: string): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}`);
    await sleep(25);
  }
}
