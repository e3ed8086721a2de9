import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

describe('TokenBucket', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('lets a burst through, then one call each period, and never saves up more than a burst', () => {
    const bucket = new TokenBucket(2, 1000);
    const taken = (): number => [1, 2, 3, 4].filter(() => bucket.take()).length;
    expect(taken()).toBe(2);
    vi.advanceTimersByTime(999);
    expect(taken()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(taken()).toBe(1);
    vi.advanceTimersByTime(3_600_000);
    expect(taken()).toBe(2);
  });
});
