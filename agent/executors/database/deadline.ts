/** The execution took longer than the task allows. */
export class ExecutionTimeout extends Error {
  override readonly name = 'ExecutionTimeout';

  constructor(timeoutMs: number) {
    super(`execution timeout after ${String(timeoutMs)} ms`);
  }
}

export interface Deadline {
  /** Aborts with the task's own reason, or with `ExecutionTimeout` when the time is over. */
  readonly signal: AbortSignal;
  /** Stops the clock. */
  end(): void;
}

/** Bounds an execution by `exec_options.timeout_ms` (manual §4), beside what the task's own signal says. */
export function startDeadline(signal: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController();
  const pass = (): void => controller.abort(signal.reason);
  const timer = setTimeout(() => controller.abort(new ExecutionTimeout(timeoutMs)), timeoutMs);
  if (signal.aborted) pass();
  else signal.addEventListener('abort', pass, { once: true });
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', pass);
    },
  };
}

/** Settles as `work` does, but rejects with the signal's reason as soon as it aborts; what `work` gives later is dropped. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    const settle = (): void => signal.removeEventListener('abort', stop);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    work.then(
      (value) => {
        settle();
        resolve(value);
      },
      (err: unknown) => {
        settle();
        reject(err instanceof Error ? err : new Error(String(err)));
      },
    );
  });
}
