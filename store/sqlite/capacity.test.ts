import { describe, expect, it } from 'vitest';
import { Capacity } from './capacity.ts';

describe('Capacity', () => {
  it('takes no more than its limit, and gives room back', () => {
    const capacity = new Capacity(10, 4, () => Infinity);
    capacity.reserve(6);
    expect(() => capacity.reserve(1)).toThrow(expect.objectContaining({ code: 'StoreFull' }));
    capacity.release(1);
    capacity.reserve(1);
    expect(capacity.usedBytes).toBe(10);
  });

  it('leaves the reserve of the disk alone', () => {
    let free = 3;
    const capacity = new Capacity(1000, 0, () => free);
    capacity.reserve(3);
    free = 0;
    expect(() => capacity.reserve(1)).toThrow(expect.objectContaining({ code: 'StoreFull' }));
    expect(capacity.usedBytes).toBe(3);
  });
});
