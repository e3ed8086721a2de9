import { setTimeout as delay } from 'node:timers/promises';

export interface BackoffOptions {
  /** The longest first wait, in milliseconds. */
  readonly minMs: number;
  /** The longest wait of all, in milliseconds. */
  readonly maxMs: number;
}

/** A server that asks for a longer pause than this is asked again anyway: a wrong header must not blind a program for hours. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/**
 * How long to wait after the `failures`th failure in a row (from 1): doubling from `minMs` to `maxMs`, of which a random
 * half is taken off so that clients that failed together do not come back together.
 */
export function backoffMs(failures: number, { minMs, maxMs }: BackoffOptions): number {
  const ceiling = Math.min(maxMs, minMs * 2 ** (failures - 1));
  return ceiling * (0.5 + Math.random() / 2);
}

/** The pause a server asked for, bounded, and drawn out by up to a fifth for the same reason. 0 when it asked for none. */
export function retryAfterMs(err: unknown): number {
  const asked = (err as { retryAfterMs?: number } | null | undefined)?.retryAfterMs ?? 0;
  return Math.min(asked, MAX_RETRY_AFTER_MS) * (1 + Math.random() / 5);
}

/** Waits, but not beyond the abortion of the signal. Never rejects. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
}
