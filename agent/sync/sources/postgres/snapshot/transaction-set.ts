const EPOCH = 2 ** 32;

/**
 * The transactions that a snapshot sees, as `pg_current_snapshot()` writes them: `xmin:xmax:xip,…`. Those below `xmax` that are not
 * among the `xip` had ended.
 */
export class TransactionSet {
  readonly #xmax: number;
  /** Still under way when the snapshot was taken; numbers of 64 bits. */
  readonly running: ReadonlySet<number>;

  constructor(text: string) {
    const [, , xmax = '', running = ''] = /^(\d+):(\d+):([\d,]*)$/.exec(text) ?? [];
    if (xmax === '') throw new Error(`${text} is no snapshot of PostgreSQL`);
    this.#xmax = Number(xmax);
    this.running = new Set(running.split(',').filter(Boolean).map(Number));
  }

  /** Of a transaction that has ended sooner or later: whether it had when the snapshot was taken. */
  sees(xid: number): boolean {
    const full = this.#full(xid);
    return full < this.#xmax && !this.running.has(full);
  }

  /** The log has the lower half of a number only; the other is that of what is nearest to the snapshot. */
  #full(xid: number): number {
    const near = this.#xmax - (this.#xmax % EPOCH) + (xid % EPOCH);
    if (near >= this.#xmax + EPOCH / 2) return near - EPOCH;
    return near < this.#xmax - EPOCH / 2 ? near + EPOCH : near;
  }
}
