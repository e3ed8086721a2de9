import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrefixSet } from './prefix-set.ts';

describe('PrefixSet', () => {
  it('covers everything under a folder and nothing beside it', () => {
    const set = new PrefixSet();
    set.add('/data/a/');
    expect(['/data/a/', '/data/a/x', '/data/a/b/c'].map((path) => set.covers(path))).toEqual([true, true, true]);
    expect(['/data/a', '/data/ab', '/data/b/a/', ''].map((path) => set.covers(path))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it('holds a folder once, whatever was added of its content before', () => {
    const set = new PrefixSet();
    for (const prefix of ['/a/b/', '/a/c/d/', '/b/', '/a/', '/a/e/']) set.add(prefix);
    expect(set.size).toBe(2);
  });

  it('agrees with a list that is searched', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '\u{1f600}'), maxLength: 6 });
    fc.assert(
      fc.property(fc.array(text), fc.array(text), (prefixes, asked) => {
        const set = new PrefixSet();
        for (const prefix of prefixes) set.add(prefix);
        for (const one of [...asked, ...prefixes])
          expect(set.covers(one)).toBe(prefixes.some((prefix) => one.startsWith(prefix)));
      }),
    );
  });
});
