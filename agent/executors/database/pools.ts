import type { Target } from '../../connections/target.ts';

export interface PoolsOptions<P> {
  readonly open: (target: Target) => P;
  readonly close: (pool: P) => Promise<void>;
  /** How many are kept; one more than that closes the idlest, and when all are in use it is closed after its use. */
  readonly maxPools?: number;
  /** How long an unused one is kept, in milliseconds. */
  readonly idleMs?: number;
}

/** A pool in use; `release` is to be called once. */
export interface PoolLease<P> {
  readonly pool: P;
  release(): void;
}

interface Entry<P> {
  readonly pool: P;
  users: number;
  usedAt: number;
}

const MAX_POOLS = 64;
const IDLE_MS = 300_000;

/** One pool of connections for each target, kept while it is used and for a while after (manual §4, general note 1). */
export class Pools<P> {
  readonly #options: PoolsOptions<P>;
  readonly #entries = new Map<string, Entry<P>>();
  readonly #closing = new Set<Promise<void>>();
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PoolsOptions<P>) {
    this.#options = options;
  }

  /** The pool of the target, opened if there is none. Throws what `open` throws. */
  lease(target: Target): PoolLease<P> {
    if (this.#closed) throw new Error('the agent is stopping');
    let entry = this.#entries.get(target.key);
    if (entry === undefined) {
      entry = { pool: this.#options.open(target), users: 0, usedAt: 0 };
      this.#entries.set(target.key, entry);
    }
    entry.users += 1;
    this.#trim();
    return { pool: entry.pool, release: this.#releaser(target.key, entry) };
  }

  /** How many pools are open, in use or idle. */
  get size(): number {
    return this.#entries.size;
  }

  /** Closes all, also those in use. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#sweep);
    for (const key of [...this.#entries.keys()]) this.#drop(key);
    await Promise.all(this.#closing);
  }

  #releaser(key: string, entry: Entry<P>): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      entry.users -= 1;
      entry.usedAt = performance.now();
      if (entry.users > 0 || this.#entries.get(key) !== entry) return;
      this.#trim();
      this.#scheduleSweep();
    };
  }

  #trim(): void {
    const idle = [...this.#entries].filter(([, { users }]) => users === 0).sort(([, a], [, b]) => a.usedAt - b.usedAt);
    const excess = this.#entries.size - (this.#options.maxPools ?? MAX_POOLS);
    for (const [key] of idle.slice(0, Math.max(0, excess))) this.#drop(key);
  }

  #scheduleSweep(): void {
    const idleMs = this.#options.idleMs ?? IDLE_MS;
    this.#sweep ??= setTimeout(() => {
      this.#sweep = undefined;
      const since = performance.now() - idleMs;
      for (const [key, { users, usedAt }] of [...this.#entries]) if (users === 0 && usedAt <= since) this.#drop(key);
      if (!this.#closed && [...this.#entries.values()].some(({ users }) => users === 0)) this.#scheduleSweep();
    }, idleMs).unref();
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const closing = this.#options
      .close(entry.pool)
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
