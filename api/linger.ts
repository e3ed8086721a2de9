import type { Request } from 'express';

/** What comes of a request after its answer is read and dropped for this long: else the client may never see the answer. */
const LINGER_MS = 10_000;

/** For a request that is refused before its body has been read: bounds how long the rest of it may come. */
export function linger(req: Request): void {
  if (req.complete) return;
  const end = (): void => void req.destroy();
  const timer = setTimeout(end, LINGER_MS);
  timer.unref();
  // Once the answer has been sent, Node does not tell the request that its connection is gone.
  req.socket.once('close', end);
  req.once('close', () => {
    clearTimeout(timer);
    req.socket.off('close', end);
  });
  req.resume();
}
