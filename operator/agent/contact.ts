/** Longer than any two reads are apart while all is well: agents renew every 5 s, probes run every 2 s. */
const GAP_MS = 10_000;

/**
 * Since when the operator has been reading from the API server without a gap. While it could not read, neither the
 * silence of an agent's Lease means anything, nor could the agents renew: after a gap everyone starts afresh.
 */
export class Contact {
  #last: number;
  #since: number;

  /** `now`: the monotonic time in milliseconds, as in every call. */
  constructor(now: number) {
    this.#last = now;
    this.#since = now;
  }

  /** When the current stretch of contact without a gap began. */
  get since(): number {
    return this.#since;
  }

  get last(): number {
    return this.#last;
  }

  /** A read at `at` succeeded. */
  made(at: number): void {
    if (at <= this.#last) return;
    if (at - this.#last > GAP_MS) this.#since = at;
    this.#last = at;
  }
}
