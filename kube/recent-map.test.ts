import { describe, expect, it } from 'vitest';
import { RecentMap } from './recent-map.ts';

describe('RecentMap', () => {
  it('forgets the entry used longest ago when it is full', () => {
    const map = new RecentMap<string, string>(2);
    map.getOrMake('a', () => 'first a');
    map.getOrMake('b', () => 'first b');
    expect(map.getOrMake('a', () => 'second a')).toBe('first a');
    map.getOrMake('c', () => 'first c');
    expect(map.size).toBe(2);
    expect(map.getOrMake('a', () => 'second a')).toBe('first a');
    expect(map.getOrMake('b', () => 'second b')).toBe('second b');
  });
});
