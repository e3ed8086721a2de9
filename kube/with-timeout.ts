/** The time that a call had is over. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

/**
 * Makes a call that must end within `ms`, and when `signal` aborts. If it does not, its own signal aborts and the result
 * rejects with the reason, a `TimedOut` or the signal's, whether or not the call heeds its signal: what it did remains unknown.
 */
export async function withTimeout<R>(
  call: (signal: AbortSignal) => Promise<R>,
  ms: number,
  signal?: AbortSignal,
): Promise<R> {
  signal?.throwIfAborted();
  const cut = Promise.withResolvers<never>();
  const inner = new AbortController();
  const end = (reason: unknown): void => {
    inner.abort(reason);
    cut.reject(reason);
  };
  const onAbort = (): void => end(signal?.reason);
  const timer = setTimeout(() => end(new TimedOut(`no answer within ${Math.round(ms)} ms`)), Math.max(0, ms));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([call(inner.signal), cut.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
