import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteLru } from './byte-lru.ts';

describe('ByteLru', () => {
  it('drops what was used longest ago when the bytes run out', () => {
    const lru = new ByteLru<string>(10);
    lru.set('a', 'A', 4);
    lru.set('b', 'B', 4);
    expect(lru.get('a')).toBe('A');
    lru.set('c', 'C', 4);
    expect([lru.get('a'), lru.get('b'), lru.get('c')]).toEqual(['A', undefined, 'C']);
  });

  it('does not keep a value that is too large, nor the one it replaces', () => {
    const lru = new ByteLru<string>(10);
    lru.set('a', 'A', 4);
    lru.set('a', 'AA', 11);
    expect(lru.get('a')).toBeUndefined();
    expect(lru.bytes).toBe(0);
  });

  it('never holds more bytes than it may', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      bytes: fc.nat({ max: 12 }),
      drop: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const lru = new ByteLru<number>(20);
        const held = new Map<string, number>();
        for (const { key, bytes, drop } of steps) {
          if (drop) lru.delete(key);
          else lru.set(key, bytes, bytes);
          held.set(key, bytes);
          const sum = [...held.keys()].reduce((total, name) => total + (lru.get(name) ?? 0), 0);
          expect(lru.bytes).toBeLessThanOrEqual(20);
          expect(lru.bytes).toBe(sum);
        }
      }),
    );
  });
});
