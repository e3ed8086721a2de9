import type { Logger } from 'pino';
import { sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { HeldLease } from '../kube/held-lease.ts';

export interface HeartbeatOptions {
  readonly namespace: string;
  /** The agent's name, which is the Lease's. */
  readonly name: string;
  readonly instance: string;
  /** The instance that had this agent's state folder before, which is dead. */
  readonly deadInstance?: string;
  readonly logger: Logger;
  readonly times?: Partial<HeartbeatTimes>;
}

/** All in milliseconds. */
export interface HeartbeatTimes {
  /** How long others wait for an agent that they hear nothing of; whole seconds. */
  readonly leaseMs: number;
  readonly renewMs: number;
  /** A renewal that failed is tried again sooner. */
  readonly retryMs: number;
  readonly callMs: number;
  /** After so long without a renewal nothing new is begun. */
  readonly cautiousMs: number;
  /** From then on what may be run elsewhere is ended, so that it is gone before the Lease has run out (design.md §4.4). */
  readonly fenceMs: number;
}

const TIMES: HeartbeatTimes = {
  leaseMs: 25_000,
  renewMs: 5_000,
  retryMs: 1_000,
  callMs: 4_000,
  cautiousMs: 10_000,
  fenceMs: 12_000,
};

/** Another process is this agent. */
class NameTaken extends Error {
  override readonly name = 'NameTaken';
}

/** Shows that the agent is alive, by renewing its Lease. All times are of the process' own monotonic clock. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #times: HeartbeatTimes;
  readonly #lease: HeldLease;
  readonly #onRenewed = new Set<() => void>();
  readonly #onFenced = new Set<() => void>();
  /** When the last renewal that succeeded was sent. */
  #renewedAt = -Infinity;
  #lost = false;
  #fence: NodeJS.Timeout | undefined;

  constructor(client: KubeClient, options: HeartbeatOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#lease = new HeldLease(client, {
      namespace: options.namespace,
      name: options.name,
      identity: options.instance,
      leaseDurationMs: this.#times.leaseMs,
      ...(options.deadInstance === undefined ? {} : { deadIdentity: options.deadInstance }),
    });
  }

  /** Whether work may be begun: the Lease was renewed a short while ago. */
  get mayStart(): boolean {
    return !this.#lost && performance.now() - this.#renewedAt < this.#times.cautiousMs;
  }

  /** Another process has taken the Lease. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** Called after every renewal. */
  onRenewed(listener: () => void): void {
    this.#onRenewed.add(listener);
  }

  /** Called when the Lease could not be renewed for so long that work may be begun elsewhere. */
  onFenced(listener: () => void): void {
    this.#onFenced.add(listener);
  }

  /**
   * Takes the Lease; resolves to whether it is held, false when the signal aborted. While another process renews it,
   * this waits when `wait` is set and else rejects with `NameTaken`.
   */
  async acquire(wait: boolean, signal: AbortSignal): Promise<boolean> {
    const { name, logger } = this.#options;
    let first: { holder: string; version: string | undefined } | undefined;
    while (!signal.aborted) {
      const triedAt = performance.now();
      try {
        if (await this.#call((call) => this.#lease.acquire(call), signal)) {
          this.#renewed(triedAt);
          return true;
        }
        const holder = this.#lease.observed?.spec?.holderIdentity ?? '';
        const version = this.#lease.observed?.metadata.resourceVersion;
        if (first?.holder !== holder) {
          first = { holder, version };
          logger.info({ holder }, `the Lease of agent ${name} is held: waiting for it to be released or to run out`);
        } else if (first.version !== version && !wait)
          throw new NameTaken(
            `an agent named ${name} is running already (instance ${holder}): choose another name (--name) or wait for it (--wait)`,
          );
      } catch (err) {
        if (err instanceof NameTaken) throw err;
        logger.warn({ err }, 'cannot take the Lease yet');
      }
      await sleep(Math.max(50, Math.min(this.#times.retryMs, this.#lease.expiresInMs())), signal);
    }
    return false;
  }

  /** Renews until the signal aborts, or until another process has taken the Lease: then it resolves to `lost`. */
  async run(signal: AbortSignal): Promise<'stopped' | 'lost'> {
    for (let pause = this.#times.renewMs; ;) {
      await sleep(pause, signal);
      if (signal.aborted) break;
      const triedAt = performance.now();
      try {
        // A Lease that was deleted is made again.
        const held =
          (await this.#call((call) => this.#lease.renew(call), signal)) ||
          (await this.#call((call) => this.#lease.acquire(call), signal));
        if (!held) {
          this.#lost = true;
          break;
        }
        this.#renewed(triedAt);
        pause = this.#times.renewMs;
      } catch (err) {
        if (signal.aborted) break;
        this.#options.logger.warn({ err }, 'cannot renew the Lease');
        pause = this.#times.retryMs;
      }
    }
    clearTimeout(this.#fence);
    if (!this.#lost) return 'stopped';
    for (const listener of this.#onFenced) listener();
    return 'lost';
  }

  /** Gives the Lease back, so that nobody waits for it to run out. Never rejects. */
  async release(): Promise<void> {
    clearTimeout(this.#fence);
    await this.#lease.release(AbortSignal.timeout(this.#times.callMs)).catch((err: unknown) => {
      this.#options.logger.warn({ err }, 'cannot release the Lease; it runs out by itself');
    });
  }

  #renewed(triedAt: number): void {
    this.#renewedAt = triedAt;
    clearTimeout(this.#fence);
    this.#fence = setTimeout(
      () => {
        this.#options.logger.warn('the Lease could not be renewed: work that may be begun elsewhere is ended');
        for (const listener of this.#onFenced) listener();
      },
      this.#times.fenceMs - (performance.now() - triedAt),
    );
    for (const listener of this.#onRenewed) listener();
  }

  /** A call that does not come back in time counts as failed, whatever it does with its signal. */
  async #call(call: (signal: AbortSignal) => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new Error('no answer in time')), this.#times.callMs);
    const bounded = AbortSignal.any([signal, limit.signal]);
    const gaveUp = new Promise<never>((_resolve, reject) => {
      bounded.addEventListener('abort', () => reject(bounded.reason as Error), { once: true });
    });
    try {
      return await Promise.race([call(bounded), gaveUp]);
    } finally {
      clearTimeout(timer);
    }
  }
}
