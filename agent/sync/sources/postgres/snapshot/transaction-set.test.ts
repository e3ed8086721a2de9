import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransactionSet } from './transaction-set.ts';

const EPOCH = 2 ** 32;

describe('TransactionSet', () => {
  it('sees what had ended, and neither what was under way nor what had not begun', () => {
    const set = new TransactionSet('10:20:10,14,19');
    expect([9, 10, 11, 14, 18, 19, 20, 21].map((xid) => set.sees(xid))).toEqual([
      ...[true, false, true, false, true, false, false, false],
    ]);
    expect(new TransactionSet('5:5:').sees(4)).toBe(true);
  });

  it('knows numbers of the log, which are the lower half only, wherever the counter stands', () => {
    const around = fc.record({
      xmax: fc.integer({ min: 4, max: 2 ** 40 }),
      distance: fc.integer({ min: -(2 ** 30), max: 2 ** 30 }),
    });
    fc.assert(
      fc.property(around, ({ xmax, distance }) => {
        const full = xmax + distance;
        fc.pre(full >= 3);
        expect(new TransactionSet(`3:${xmax}:`).sees(full % EPOCH)).toBe(full < xmax);
        expect(new TransactionSet(`3:${xmax}:${full}`).sees(full % EPOCH)).toBe(false);
      }),
    );
  });

  it('refuses what is no snapshot', () => {
    expect(() => new TransactionSet('')).toThrow('no snapshot');
    expect(() => new TransactionSet('1:2')).toThrow('no snapshot');
  });
});
