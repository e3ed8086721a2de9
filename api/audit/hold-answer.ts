import type { Response } from 'express';

/**
 * Has the end of the answer wait for `before`, which is called once: when the answer is complete, or the client has gone.
 * `before` must not reject.
 */
export function holdAnswer(res: Response, before: () => Promise<void>): void {
  const end = res.end.bind(res) as (...args: unknown[]) => Response;
  let begun: Promise<void> | undefined;
  const begin = (): Promise<void> => (begun ??= before());
  res.once('close', () => void begin());
  res.end = ((...args: unknown[]) => {
    void begin().then(() => end(...args));
    return res;
  }) as typeof res.end;
}
