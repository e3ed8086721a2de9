/**
 * Gives work that has reached the server some time to end after an abort: a server does not stop a write that it has
 * begun, and what it did can then be told. Rejects with the signal's reason when that time is over.
 */
export async function settle<T>(
  work: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  graceMs: number,
): Promise<T> {
  const own = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    timer = setTimeout(() => own.abort(signal.reason), graceMs);
  };
  signal.throwIfAborted();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work(own.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
