/** Ends the waits between polls of a source when its snapshots need to know what has changed. */
export class PollBell {
  readonly #waiters = new Set<() => void>();
  #rings = 0;

  /** How often it has rung: read before a poll, given to the wait behind it. */
  get rings(): number {
    return this.#rings;
  }

  ring(): void {
    this.#rings += 1;
    for (const wake of this.#waiters) wake();
  }

  /** Until it has rung more often than `rings`, the time is over, or the signal aborts. Never rejects. */
  async wait(ms: number, rings: number, signal: AbortSignal): Promise<void> {
    if (this.#rings !== rings || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const onAbort = (): void => resolve();
    const timer = setTimeout(resolve, ms);
    this.#waiters.add(resolve);
    signal.addEventListener('abort', onAbort, { once: true });
    await promise;
    signal.removeEventListener('abort', onAbort);
    this.#waiters.delete(resolve);
    clearTimeout(timer);
  }
}
