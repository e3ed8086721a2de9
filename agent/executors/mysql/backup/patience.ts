/** What is closed when its answer does not come: then whoever waits for it hears so. */
export interface Closable {
  destroy(reason?: Error): void;
}

/** An abort is heeded within ten seconds: so long what is committed is still read. */
const AFTER_ABORT_MS = 4000;

/** Bounds how long is waited for a server that a backup asks, also when its task has been stopped. */
export class Patience {
  readonly #task: AbortSignal;
  readonly #ended = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  readonly #onAbort = (): void => {
    this.#timer = setTimeout(() => this.#ended.abort(this.#task.reason), AFTER_ABORT_MS);
  };

  /** `task` aborts when the task is to end. */
  constructor(task: AbortSignal) {
    this.#task = task;
    if (task.aborted) this.#onAbort();
    else task.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Aborts a few seconds after the task's. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Does what asks the given sessions. They are closed when there is no patience left, or after `limitMs`. */
  async wait<T>(sessions: () => Iterable<Closable>, work: () => Promise<T>, limitMs?: number): Promise<T> {
    const close = (): void => {
      for (const session of sessions()) session.destroy(new Error('the server does not answer'));
    };
    const timer = limitMs === undefined ? undefined : setTimeout(close, limitMs);
    this.signal.addEventListener('abort', close, { once: true });
    try {
      this.signal.throwIfAborted();
      return await work();
    } finally {
      clearTimeout(timer);
      this.signal.removeEventListener('abort', close);
    }
  }

  /** Nobody waits any more. */
  end(): void {
    this.#task.removeEventListener('abort', this.#onAbort);
    clearTimeout(this.#timer);
  }
}
