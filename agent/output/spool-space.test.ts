import { describe, expect, it } from 'vitest';
import { SpoolSpace } from './spool-space.ts';

describe('SpoolSpace', () => {
  it('gives no more room than its limit, which counts what is on the disk already', () => {
    const space = new SpoolSpace(10, () => Infinity);
    space.add(6);
    expect(space.take(4)).toBeUndefined();
    expect(space.take(1)).toContain('spool limit');
    space.give(5);
    expect(space.take(5)).toBeUndefined();
    expect(space.used).toBe(10);
  });

  it('leaves the reserve of the disk alone', () => {
    let free = 2;
    const space = new SpoolSpace(1000, () => free);
    expect(space.take(2)).toBeUndefined();
    free = 0;
    expect(space.take(1)).toContain('disk is almost full');
    expect(space.used).toBe(2);
  });
});
