import { describe, expect, it } from 'vitest';
import { contains, readTimelineHistory } from './timeline.ts';

describe('the history of timelines', () => {
  const history = readTimelineHistory(
    '1\t0/3000000\tno recovery target specified\n\n2\t0/5000000\tbefore 2024-01-01\n',
  );

  it('is read line by line', () => {
    expect(history).toEqual([
      { timeline: 1, lsn: 0x300_0000 },
      { timeline: 2, lsn: 0x500_0000 },
    ]);
    expect(readTimelineHistory('')).toEqual([]);
  });

  it.each([
    [1, 0x300_0000, true],
    [1, 0x300_0001, false],
    [2, 0x400_0000, true],
    [2, 0x500_0001, false],
    [3, 1, false],
  ])('says whether timeline %d up to %d is part of it', (timeline, lsn, expected) => {
    expect(contains(history, timeline, lsn)).toBe(expected);
  });

  it('has no more of a timeline than what all later ones have', () => {
    const back = readTimelineHistory('1\t0/5000000\tx\n2\t0/3000000\tput back');
    expect([contains(back, 1, 0x300_0000), contains(back, 1, 0x400_0000)]).toEqual([true, false]);
  });
});
