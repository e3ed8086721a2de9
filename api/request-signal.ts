import type { ServerResponse } from 'node:http';

/** Aborts when the client closes its connection (`gone`), and when the server stops. */
export interface RequestSignal {
  readonly signal: AbortSignal;
  /** Whether nobody waits for the answer any more. */
  readonly gone: () => boolean;
}

/** Nobody reads it; without one, each abort makes a DOMException with a stack, 0.1 ms. */
const REASON = 'the request has ended';

export function requestSignal(res: ServerResponse, stopping: AbortSignal): RequestSignal {
  const controller = new AbortController();
  const abort = (): void => controller.abort(REASON);
  if (stopping.aborted) abort();
  stopping.addEventListener('abort', abort);
  res.once('close', () => {
    stopping.removeEventListener('abort', abort);
    abort();
  });
  return { signal: controller.signal, gone: () => res.destroyed };
}
