import { backoffMs } from './backoff.ts';
import type { BackoffOptions } from './backoff.ts';

/** Node fires timers that are longer than this at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Delay {
  /** When it is due, by performance.now(). */
  readonly at: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * A queue of keys with the promises controllers rely on: a key waits at most once however often it is added, no two
 * workers hold the same key, and a key added while it is being worked on runs once more afterwards.
 */
export class WorkQueue {
  readonly #backoff: BackoffOptions;
  /** Waiting keys; those before `#head` are taken already. Shifting an array of ten thousands would copy it each time. */
  #waiting: string[] = [];
  #head = 0;
  /** Keys that wait, or will once they are done. */
  readonly #dirty = new Set<string>();
  readonly #processing = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #delays = new Map<string, Delay>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #closed = false;

  /** `backoff` bounds the waits of `addRateLimited`. */
  constructor(backoff: BackoffOptions = { minMs: 50, maxMs: 300_000 }) {
    this.#backoff = backoff;
  }

  /** How many keys wait for a worker; delayed ones and those being worked on are not counted. */
  get length(): number {
    return this.#waiting.length - this.#head;
  }

  add(key: string): void {
    if (this.#closed || this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (!this.#processing.has(key)) this.#push(key);
  }

  /** Adds the key after a delay. The earliest of several delays of a key wins. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const at = performance.now() + ms;
    const pending = this.#delays.get(key);
    if (pending !== undefined && pending.at <= at) return;
    clearTimeout(pending?.timer);
    this.#arm(key, at, ms);
  }

  /**
   * Adds the key after a wait that doubles with each call, but after `atLeastMs` or more. Call `forget` once the key
   * succeeded.
   */
  addRateLimited(key: string, atLeastMs = 0): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.addAfter(key, Math.max(atLeastMs, backoffMs(failures, this.#backoff)));
  }

  /** Makes the next wait of `addRateLimited` the shortest again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /**
   * Waits for the next key, oldest first. The caller owns it until it calls `done`. After `shutdown` the keys that
   * still wait are handed out, then undefined.
   */
  get(): Promise<string | undefined> {
    const key = this.#waiting[this.#head];
    if (key !== undefined) {
      this.#head += 1;
      if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#head);
        this.#head = 0;
      }
      return Promise.resolve(this.#take(key));
    }
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /** Gives a key back; if it was added meanwhile, it waits again. */
  done(key: string): void {
    if (this.#processing.delete(key) && this.#dirty.has(key)) this.#push(key);
  }

  /** Takes no more keys, drops delayed ones and lets waiting workers go. */
  shutdown(): void {
    this.#closed = true;
    for (const { timer } of this.#delays.values()) clearTimeout(timer);
    this.#delays.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #arm(key: string, at: number, ms: number): void {
    const timer = setTimeout(
      () => {
        const left = at - performance.now();
        // Timers may fire a millisecond early; more is left only when the delay was longer than a timer can be.
        if (left > 2) {
          this.#arm(key, at, left);
          return;
        }
        this.#delays.delete(key);
        this.add(key);
      },
      Math.min(Math.ceil(ms), MAX_TIMER_MS),
    );
    this.#delays.set(key, { at, timer });
  }

  #push(key: string): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#waiting.push(key);
    else taker(this.#take(key));
  }

  #take(key: string): string {
    this.#dirty.delete(key);
    this.#processing.add(key);
    return key;
  }
}
