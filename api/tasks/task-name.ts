import { randomBytes } from 'node:crypto';
import { monotonicFactory } from 'ulid';

/** ulid asks for sixteen random numbers a name; drawn one by one they would cost 0.1 ms. */
const POOL_BYTES = 4096;

/**
 * Makes a source of names for new tasks, `task-<ULID>`: unique everywhere, and of one source each sorts after the one
 * before.
 */
export function taskNames(): () => string {
  let pool = randomBytes(0);
  let used = 0;
  const nextUlid = monotonicFactory(() => {
    if (used >= pool.length) {
      pool = randomBytes(POOL_BYTES);
      used = 0;
    }
    return (pool[used++] ?? 0) / 256;
  });
  return () => `task-${nextUlid().toLowerCase()}`;
}
