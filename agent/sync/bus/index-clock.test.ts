import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexClock, logIndex } from './index-clock.ts';

describe('IndexClock', () => {
  it('gives the place itself, and one more where places do not grow', () => {
    const clock = new IndexClock(-1);
    expect([clock.next(10), clock.next(10), clock.next(5), clock.next(20.7)]).toEqual([10, 11, 12, 20]);
    expect(clock.last).toBe(20);
  });

  it('begins behind what was given before it', () => {
    expect(new IndexClock(100).next(7)).toBe(101);
    expect(new IndexClock(-1).next(-5)).toBe(0);
  });

  it('grows strictly, whatever it is given', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.array(fc.maxSafeNat()), (start, places) => {
        fc.pre(start < 2 ** 52 && places.every((at) => at < 2 ** 52));
        const clock = new IndexClock(start);
        let last = start;
        for (const at of places) {
          const index = clock.next(at);
          expect(index).toBeGreaterThan(last);
          expect(index).toBeGreaterThanOrEqual(at);
          last = index;
        }
      }),
    );
  });

  it('throws where a double would mistake one index for another', () => {
    const clock = new IndexClock(Number.MAX_SAFE_INTEGER - 1);
    expect(clock.next(0)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => clock.next(0)).toThrow(RangeError);
    expect(() => new IndexClock(-1).next(Number.NaN)).toThrow(RangeError);
  });
});

describe('logIndex', () => {
  it('orders places by file, then by offset, past 32 bits', () => {
    expect(logIndex(1, 4)).toBe(4_294_967_300);
    expect(logIndex(2, 0)).toBeGreaterThan(logIndex(1, 2 ** 32 - 1));
  });
});
