/** Resolves once the signal has aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** A signal that aborts when the condition turns out to hold. */
export function abortedWhen(condition: Promise<boolean>): AbortSignal {
  const controller = new AbortController();
  void condition.then((holds) => {
    if (holds) controller.abort();
  });
  return controller.signal;
}
