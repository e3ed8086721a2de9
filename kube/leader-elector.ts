import { sleep } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { HeldLease } from './held-lease.ts';
import type { KubeMetrics } from './metrics.ts';
import { withTimeout } from './with-timeout.ts';

export interface LeaderElectorOptions {
  /** Where the Lease is. */
  readonly namespace: string;
  readonly name: string;
  /** Unlike that of any other process, also of an earlier one in the same place: it needs a random part. */
  readonly identity: string;
  /** How long others wait for a leader that they hear nothing of, in whole seconds; 15 s unless set. */
  readonly leaseDurationMs?: number;
  /** How long the leader goes on without a renewal that succeeded; 10 s unless set. Less than `leaseDurationMs`. */
  readonly renewDeadlineMs?: number;
  /** How long between two tries to acquire or renew; 2 s unless set. Less than `renewDeadlineMs`. */
  readonly retryPeriodMs?: number;
  /** Told of calls that failed; they are tried again. */
  readonly onError?: (err: unknown) => void;
  readonly metrics?: KubeMetrics;
}

export type Lead = (signal: AbortSignal) => Promise<void>;

/** The Lease runs out by itself, so giving it back is not worth a long wait. */
const RELEASE_TIMEOUT_MS = 2000;

/** A candidate that waits for the last moment of a Lease must not spin when that moment is now. */
const MIN_WAIT_MS = 50;

/**
 * Runs work in one process at a time. Like client-go it trusts no clock but its own: a leader is gone when its Lease has
 * not changed for the Lease's duration as seen from here. A leader that was cut off may still have requests under way
 * when the next one starts, so leading is no fence: writes must be conditional.
 */
export class LeaderElector {
  readonly #lease: HeldLease;
  readonly #name: string;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  readonly #onError: (err: unknown) => void;
  readonly #metrics: KubeMetrics | undefined;

  constructor(client: KubeClient, options: LeaderElectorOptions) {
    const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2000 } = options;
    if (renewDeadlineMs >= leaseDurationMs || retryPeriodMs >= renewDeadlineMs) {
      throw new RangeError('leader election needs retryPeriodMs < renewDeadlineMs < leaseDurationMs');
    }
    const { namespace, name, identity } = options;
    this.#lease = new HeldLease(client, { namespace, name, identity, leaseDurationMs });
    this.#name = name;
    this.#leaseDurationMs = leaseDurationMs;
    this.#renewDeadlineMs = renewDeadlineMs;
    this.#retryPeriodMs = retryPeriodMs;
    this.#onError = options.onError ?? (() => undefined);
    this.#metrics = options.metrics;
  }

  /**
   * Waits for the Lease, then runs `lead` once. Returns after `lead` has ended: because the signal aborted, and the Lease
   * is released; because the Lease was lost, and the process should exit, as what it remembers may be old; or by
   * itself. In the first two cases the signal of `lead` aborts. Rejects with what `lead` rejects with, and when `lead`
   * is still going when another leader may start.
   */
  async run(lead: Lead, signal: AbortSignal): Promise<void> {
    this.#metrics?.leading(this.#name, false);
    const acquiredAt = await this.#acquire(signal);
    if (acquiredAt === undefined) return;
    this.#metrics?.leading(this.#name, true);
    try {
      await this.#lead(lead, acquiredAt, signal);
    } finally {
      this.#metrics?.leading(this.#name, false);
    }
  }

  async #lead(lead: Lead, acquiredAt: number, signal: AbortSignal): Promise<void> {
    const leading = new AbortController();
    const over = new AbortController();
    const stop = (): void => over.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const work = (async () => lead(leading.signal))();
    const ended = work.then(stop, stop).then(() => true as const);
    const renewedAt = await this.#renewUntil(over.signal, acquiredAt);
    signal.removeEventListener('abort', stop);
    leading.abort(signal.aborted ? signal.reason : new Error(`lost the lease ${this.#name}`));
    const left = renewedAt + this.#leaseDurationMs - performance.now();
    if (!(await within(ended, left))) throw new Error(`the work of the leader ${this.#name} did not stop when told to`);
    await this.#release();
    await work;
  }

  /** Resolves to the time of the successful try by performance.now(), or to undefined when the signal aborted. */
  async #acquire(signal: AbortSignal): Promise<number | undefined> {
    while (!signal.aborted) {
      const triedAt = performance.now();
      if (await this.#try((call) => this.#lease.acquire(call), this.#renewDeadlineMs / 2, signal)) return triedAt;
      // The call that was cut off may have got through.
      if (signal.aborted) await this.#release();
      // Drawn, so that candidates do not collide; not later than the holder's Lease runs out.
      const period = this.#retryPeriodMs * (0.8 + Math.random() / 5);
      const expiry = this.#lease.expiresInMs();
      await sleep(expiry > 0 ? Math.max(MIN_WAIT_MS, Math.min(period, expiry)) : period, signal);
    }
    return undefined;
  }

  /**
   * Renews until the signal aborts, the Lease turns out to be somebody else's, or the deadline passes without a
   * success. Resolves to the time of the last success.
   */
  async #renewUntil(signal: AbortSignal, acquiredAt: number): Promise<number> {
    let renewedAt = acquiredAt;
    for (;;) {
      await sleep(Math.min(this.#retryPeriodMs, renewedAt + this.#renewDeadlineMs - performance.now()), signal);
      const triedAt = performance.now();
      const left = renewedAt + this.#renewDeadlineMs - triedAt;
      if (signal.aborted || left <= 0) return renewedAt;
      // Half of the deadline at most, so that one connection that hangs does not cost the Lease.
      const timeoutMs = Math.min(left, this.#renewDeadlineMs / 2);
      const renewed = await this.#try((call) => this.#lease.renew(call), timeoutMs, signal);
      if (renewed === false) return renewedAt;
      if (renewed === true) renewedAt = triedAt;
    }
  }

  async #release(): Promise<void> {
    await this.#try((call) => this.#lease.release(call), RELEASE_TIMEOUT_MS);
  }

  /** Resolves to undefined when the call failed or gave no answer in time. */
  async #try<R>(
    call: (signal: AbortSignal) => Promise<R>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<R | undefined> {
    try {
      return await withTimeout(call, timeoutMs, signal);
    } catch (err) {
      if (signal?.aborted !== true) this.#onError(err);
      return undefined;
    }
  }
}

async function within(promise: Promise<true>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), Math.max(0, ms));
  const inTime = await Promise.race([promise, late.promise]);
  clearTimeout(timer);
  return inTime;
}
