import { describe, expect, it } from 'vitest';
import { isDeeperThan } from './nesting.ts';

const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

describe('isDeeperThan', () => {
  it('counts objects and arrays, whatever else there is', () => {
    expect(isDeeperThan('x', 0)).toBe(false);
    expect(isDeeperThan(null, 0)).toBe(false);
    expect(isDeeperThan({}, 0)).toBe(true);
    expect(isDeeperThan({ a: 1, b: [{}] }, 3)).toBe(false);
    expect(isDeeperThan({ a: 1, b: [{}] }, 2)).toBe(true);
  });

  it('stands what no recursion would', () => {
    expect(isDeeperThan(nested(500), 500)).toBe(false);
    expect(isDeeperThan(nested(501), 500)).toBe(true);
    expect(isDeeperThan(nested(400_000), 500)).toBe(true);
  });
});
