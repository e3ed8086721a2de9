import type { ServerResponse } from 'node:http';

/** Aborts when the client closes its connection (`gone`), and when the server stops. */
export interface RequestSignal {
  readonly signal: AbortSignal;
  /** Whether nobody waits for the answer any more. */
  readonly gone: () => boolean;
}

export function requestSignal(res: ServerResponse, stopping: AbortSignal): RequestSignal {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  if (stopping.aborted) abort();
  stopping.addEventListener('abort', abort);
  res.once('close', () => {
    stopping.removeEventListener('abort', abort);
    abort();
  });
  return { signal: controller.signal, gone: () => res.destroyed };
}
