import { describe, expect, it } from 'vitest';
import { toRegExp } from './re2.ts';

describe('A pattern in RE2 syntax', () => {
  it.each([
    ['(?i)^abc$', 'ABC', true],
    ['^a.c$', 'a\nc', false],
    ['(?s)^a.c$', 'a\nc', true],
    ['(?m)^c$', 'a\nc', true],
    ['^\\w+$', 'é', false],
    ['^\\s$', '\u00a0', false],
    ['^[[:alpha:]_]+$', 'ab_C', true],
    ['^\\pL+$', 'éa', true],
    ['^\\p{Greek}$', 'λ', true],
    ['^\\x41\\x{42}$', 'AB', true],
    ['\\Aab\\z', 'ab', true],
    ['\\Qa.b\\E', 'axb', false],
    ['^a{2}$', 'aa', true],
    ['^a{b}$', 'a{b}', true],
    ['^(?P<name>a)$', 'a', true],
    ['^[]a]+$', ']a', true],
    ['^[^\\]]+$', 'x', true],
    ['^[a\\-z]+$', 'a-z', true],
    ['^😀?$', '', true],
    ['(?i:A)b', 'ab', true],
    ['^[0-9]{1,3}(\\.[0-9]{1,3}){3}$', '127.0.0.1', true],
  ])('%s on %j: %s', (pattern, text, matches) => {
    expect(toRegExp(pattern).test(text)).toBe(matches);
  });

  it.each(['(a)\\1', 'a(?=b)', '[a', 'a\\', '(', '*a', '\\y'])(
    'is refused when RE2 has no such thing: %s',
    (pattern) => {
      expect(() => toRegExp(pattern)).toThrow(SyntaxError);
    },
  );
});
