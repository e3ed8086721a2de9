import { abortable } from './deadline.ts';

/** A connection, as a pool sees it. */
export interface PooledSession {
  readonly openedAt: number;
  readonly transaction: string;
  readonly broken: Error | undefined;
  execute(text: string, timeoutMs: number): Promise<unknown>;
  /** Makes it as new: what a task set is gone. Rejects when that cannot be, or not within this time. */
  forget(timeoutMs: number): Promise<void>;
  end(): Promise<void>;
}

export interface SessionPoolOptions {
  readonly maxOpen?: number;
  readonly maxIdle?: number;
  readonly lifetimeMs?: number;
}

/** The manual's bounds (§4.2, note 3). */
const MAX_OPEN = 10;
const MAX_IDLE = 5;
const LIFETIME_MS = 3_600_000;
/** How long a connection may take to show that it lives, or to forget a task. */
const CHECK_MS = 5_000;

/** Connections to one server with one login. What a task set in one is forgotten before the next gets it. */
export class SessionPool<S extends PooledSession> {
  readonly #open: () => Promise<S>;
  readonly #maxOpen: number;
  readonly #maxIdle: number;
  readonly #lifetimeMs: number;
  readonly #idle: S[] = [];
  readonly #waiting: (() => void)[] = [];
  #size = 0;
  #closed = false;

  /** `open` rejects with why there is no connection. */
  constructor(open: () => Promise<S>, options: SessionPoolOptions = {}) {
    this.#open = open;
    this.#maxOpen = options.maxOpen ?? MAX_OPEN;
    this.#maxIdle = options.maxIdle ?? MAX_IDLE;
    this.#lifetimeMs = options.lifetimeMs ?? LIFETIME_MS;
  }

  /** How many are open, in use or idle. */
  get size(): number {
    return this.#size;
  }

  get idle(): number {
    return this.#idle.length;
  }

  /**
   * A connection that answers: an idle one is asked first, and replaced when it is dead. When all are in use it waits.
   * Rejects with the signal's reason, or with why there is none, which is not tried again. To be given back by `release`.
   */
  async acquire(signal: AbortSignal): Promise<S> {
    for (;;) {
      signal.throwIfAborted();
      const session = this.#idle.pop();
      if (session !== undefined) {
        if (await this.#lives(session)) return session;
        continue;
      }
      if (this.#closed) throw new Error('the agent is stopping');
      if (this.#size < this.#maxOpen) return await this.#add(signal);
      const turn = Promise.withResolvers<void>();
      this.#waiting.push(turn.resolve);
      try {
        await abortable(turn.promise, signal);
      } catch (err) {
        const index = this.#waiting.indexOf(turn.resolve);
        // Its turn had come: the next one gets it.
        if (index < 0) this.#wakeOne();
        else this.#waiting.splice(index, 1);
        throw err;
      }
    }
  }

  /** Takes back what `acquire` gave; resolves when nothing of the task is left in it. */
  async release(session: S): Promise<void> {
    const reusable = await this.#isReusable(session);
    // Asked now: others came back in the meantime.
    if (reusable && !this.#closed && this.#idle.length < this.#maxIdle) this.#idle.push(session);
    else await this.#remove(session);
    this.#wakeOne();
  }

  /** Closes idle ones now and the others when they are released. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#idle.splice(0).map((session) => this.#remove(session)));
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #add(signal: AbortSignal): Promise<S> {
    this.#size += 1;
    const opening = this.#open();
    let wanted = true;
    opening.then(
      (session) => (wanted ? undefined : this.release(session)),
      () => {
        this.#size -= 1;
        this.#wakeOne();
      },
    );
    try {
      return await abortable(opening, signal);
    } catch (err) {
      wanted = false;
      throw err;
    }
  }

  async #lives(session: S): Promise<boolean> {
    const expired = performance.now() - session.openedAt > this.#lifetimeMs;
    const answers =
      !expired &&
      session.broken === undefined &&
      (await session.execute('SELECT 1', CHECK_MS).then(
        () => true,
        () => false,
      ));
    if (!answers) await this.#remove(session);
    return answers;
  }

  async #isReusable(session: S): Promise<boolean> {
    if (this.#closed || session.broken !== undefined || session.transaction !== 'none') return false;
    if (this.#idle.length >= this.#maxIdle && this.#waiting.length === 0) return false;
    if (performance.now() - session.openedAt > this.#lifetimeMs) return false;
    try {
      await session.forget(CHECK_MS);
    } catch {
      return false;
    }
    return true;
  }

  async #remove(session: S): Promise<void> {
    await session.end();
    this.#size -= 1;
    this.#wakeOne();
  }

  #wakeOne(): void {
    this.#waiting.shift()?.();
  }
}
