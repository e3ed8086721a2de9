import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, retryAfterMs, sleep } from './backoff.ts';
import { KubeError } from './kube-error.ts';

describe('backoffMs', () => {
  it('doubles from the minimum to the maximum, less a random part of up to a half', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (failures) => {
        const ceiling = Math.min(30_000, 500 * 2 ** (failures - 1));
        const wait = backoffMs(failures, { minMs: 500, maxMs: 30_000 });
        expect(wait).toBeGreaterThanOrEqual(ceiling / 2);
        expect(wait).toBeLessThanOrEqual(ceiling);
      }),
    );
  });
});

describe('retryAfterMs', () => {
  it('is what the server asked for and up to a fifth more', () => {
    const wait = retryAfterMs(new KubeError(429, {}, 'GET x', 1000));
    expect(wait).toBeGreaterThanOrEqual(1000);
    expect(wait).toBeLessThanOrEqual(1200);
  });

  it('is bounded, and nothing for what asks for nothing', () => {
    expect(retryAfterMs(new KubeError(503, {}, 'GET x', 86_400_000))).toBeLessThanOrEqual(360_000);
    expect(retryAfterMs(new KubeError(500, {}, 'GET x'))).toBe(0);
    expect(retryAfterMs(undefined)).toBe(0);
    expect(retryAfterMs(null)).toBe(0);
    expect(retryAfterMs('reset')).toBe(0);
  });
});

describe('sleep', () => {
  it('ends when its signal aborts, also when it has already', async () => {
    const stop = new AbortController();
    const slept = sleep(3_600_000, stop.signal);
    stop.abort();
    await slept;
    await sleep(3_600_000, stop.signal);
  });
});
