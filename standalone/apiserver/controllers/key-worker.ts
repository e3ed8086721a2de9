import { setTimeout as delay } from 'node:timers/promises';

const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 10_000;

/**
 * Works on keys one after the other, each as often as it was added, and again with backoff when the work failed. A key
 * that is added while it waits is worked on once.
 */
export class KeyWorker {
  readonly #work: (key: string) => Promise<void>;
  readonly #onError: (key: string, err: unknown) => void;
  readonly #signal: AbortSignal;
  readonly #keys = new Set<string>();
  readonly #failures = new Map<string, number>();
  #running: Promise<void> | undefined;

  constructor(work: (key: string) => Promise<void>, onError: (key: string, err: unknown) => void, signal: AbortSignal) {
    this.#work = work;
    this.#onError = onError;
    this.#signal = signal;
  }

  add(key: string): void {
    if (this.#signal.aborted) return;
    this.#keys.add(key);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // The caller's turn ends first: it may be in the middle of handing out changes.
    await Promise.resolve();
    for (const key of this.#keys) {
      if (this.#signal.aborted) break;
      this.#keys.delete(key);
      try {
        await this.#work(key);
        this.#failures.delete(key);
      } catch (err) {
        if (!this.#signal.aborted) this.#retry(key, err);
      }
    }
    this.#running = undefined;
    if (this.#keys.size > 0 && !this.#signal.aborted) this.#running = this.#run();
  }

  #retry(key: string, err: unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#onError(key, err);
    const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS);
    delay(backoff, undefined, { signal: this.#signal, ref: false }).then(
      () => this.add(key),
      () => undefined,
    );
  }
}
