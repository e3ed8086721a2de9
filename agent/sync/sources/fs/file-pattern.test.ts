import { describe, expect, it } from 'vitest';
import { compilePattern } from './file-pattern.ts';

describe('compilePattern', () => {
  it.each([
    ['*', ['a', '', '.hidden', 'a\nb'], []],
    ['*.csv', ['a.csv', '.csv', 'a.b.csv'], ['a.CSV', 'a.csv.gz', 'acsv']],
    ['data-??.txt', ['data-01.txt', 'data-天👍.txt'], ['data-1.txt', 'data-001.txt']],
    ['[a-c]*', ['a', 'bcd'], ['d', 'A', '']],
    ['[!a-c]?', ['d1', '^x'], ['a1', 'd']],
    ['[]a]', [']', 'a'], ['b']],
    ['[!]a]', ['b'], [']', 'a']],
    ['[ab', ['[ab'], ['a']],
    ['a+b(c)|$^{}.\\', ['a+b(c)|$^{}.\\'], ['aab']],
    ['[\\d^]', ['\\', 'd', '^'], ['1']],
  ])('takes %j as shells and Python do', (pattern, matching, others) => {
    const matches = compilePattern(pattern);
    expect([matching.filter(matches), others.filter(matches)]).toEqual([matching, []]);
  });

  it('finds parts between stars in their order, also when a name is made to hold it up', () => {
    const matches = compilePattern('a*bc*c*d*');
    expect(['abccd', 'abcxcxdx', 'axbcbccd'].filter((name) => !matches(name))).toEqual([]);
    expect(['abcd', 'abdcc', 'bccd'].filter((name) => matches(name))).toEqual([]);
    expect(compilePattern(`${'*a'.repeat(40)}b`)('a'.repeat(250))).toBe(false);
  });
});
