import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../stream-entry.ts';
import { MAX_CHECKPOINTS, withCheckpoint } from './checkpoint-list.ts';

const checkpoint = (index: number, seconds: number): Checkpoint => ({
  index,
  position: { at: index },
  time: new Date(seconds * 1000).toISOString(),
});

/** One checkpoint every five seconds. */
function after(seconds: number): readonly Checkpoint[] {
  let list: readonly Checkpoint[] = [];
  for (let at = 0; at <= seconds; at += 5) list = withCheckpoint(list, checkpoint(at, at));
  return list;
}

describe('withCheckpoint', () => {
  it('keeps the newest ones, and fewer the older they are', () => {
    const day = 86_400;
    const ages = after(day).map(({ index }) => day - index);
    expect(ages.slice(0, 8)).toEqual([0, 5, 10, 15, 20, 25, 30, 35]);
    expect(ages.at(-1)).toBe(day);
    for (const age of [60, 600, 3600, 6 * 3600]) expect(ages.some((one) => one >= age && one <= age * 6)).toBe(true);
  });

  it('does not put one in front that is no newer', () => {
    const list = [checkpoint(7, 7)];
    expect(withCheckpoint(list, checkpoint(7, 9))).toBe(list);
    expect(withCheckpoint(list, checkpoint(6, 9))).toBe(list);
  });

  it('is bounded, newest first and without doubles, whatever the times are', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1000 }), { maxLength: 100 }), (times) => {
        let list: readonly Checkpoint[] = [];
        times.forEach((time, index) => (list = withCheckpoint(list, checkpoint(index, time))));
        const indexes = list.map(({ index }) => index);
        expect(indexes.length).toBe(Math.min(times.length, MAX_CHECKPOINTS));
        expect(indexes).toEqual([...new Set(indexes)].sort((a, b) => b - a));
        if (times.length > 0) expect([indexes[0], indexes.at(-1)]).toEqual([times.length - 1, 0]);
      }),
    );
  });
});
