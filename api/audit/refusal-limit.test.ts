import { describe, expect, it } from 'vitest';
import { RefusalLimit } from './refusal-limit.ts';

describe('RefusalLimit', () => {
  const admitted = (limit: RefusalLimit, callers: readonly string[]): number =>
    callers.filter((caller) => limit.admits(caller)).length;
  const many = (count: number): string[] => Array.from({ length: count }, (_, n) => `caller ${n}`);

  it('admits 50 calls of one caller at once, and says how many it left out', () => {
    const limit = new RefusalLimit();
    const count = admitted(
      limit,
      Array.from({ length: 500 }, () => 'one'),
    );
    expect(count).toBeGreaterThanOrEqual(50);
    expect(count).toBeLessThan(60);
    expect(limit.takeOmitted()).toBe(500 - count);
    expect(limit.takeOmitted()).toBe(0);
    expect(limit.admits('another')).toBe(true);
  });

  it('admits 1,000 of all together, however many callers say that they are others', () => {
    const count = admitted(new RefusalLimit(), many(5000));
    expect(count).toBeGreaterThanOrEqual(1000);
    expect(count).toBeLessThan(1500);
  });
});
