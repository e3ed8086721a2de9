import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { withTimeout } from './with-timeout.ts';

const never = (): Promise<never> => new Promise(() => undefined);

describe('withTimeout', () => {
  it('passes on what the call resolves or rejects with', async () => {
    expect(await withTimeout(() => Promise.resolve(1), 60_000)).toBe(1);
    await expect(withTimeout(() => Promise.reject(new Error('no')), 60_000)).rejects.toThrow('no');
  });

  it('rejects in time although the call ignores its signal', async () => {
    let inner: AbortSignal | undefined;
    const call = (signal: AbortSignal): Promise<never> => {
      inner = signal;
      return never();
    };
    await expect(withTimeout(call, 1)).rejects.toThrow('no answer within 1 ms');
    expect(inner?.aborted).toBe(true);
    await expect(withTimeout(never, -5)).rejects.toThrow('no answer');
  });

  it('rejects when the signal aborts, and makes no call when it has', async () => {
    const stop = new AbortController();
    const result = withTimeout(never, 60_000, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(result).rejects.toThrow('stopped');
    const call = vi.fn(never);
    await expect(withTimeout(call, 60_000, stop.signal)).rejects.toThrow('stopped');
    expect(call).not.toHaveBeenCalled();
  });

  it('keeps the late failure of a call that was given up to itself', async () => {
    const late = Promise.withResolvers<never>();
    await expect(withTimeout(() => late.promise, 1)).rejects.toThrow('no answer');
    late.reject(new Error('late'));
    await nextTurn();
  });
});
