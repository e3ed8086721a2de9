import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from './exact-json.ts';

describe('readJson', () => {
  it('reads JSON as JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        // Integers past 2⁵³ are for the next test.
        fc.pre(!/(?<![\d.])\d{16,}(?![\d.e])/.test(text));
        expect(JSON.stringify(readJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it.each([
    ['9007199254740993', '9007199254740993'],
    ['9007199254740991', 9_007_199_254_740_991],
    ['[1.00, 0.1, -0.5e3, 1E5]', [1, 0.1, -500, 100_000]],
    ['{"a":{"b":[12345678901234567890]}}', { a: { b: ['12345678901234567890'] } }],
    ['0.12345678901234567890', '0.12345678901234567890'],
    ['3.141592653589793', 3.141_592_653_589_793],
    ['1e400', '1e400'],
    ['1e-400', '1e-400'],
    ['"12345678901234567890"', '12345678901234567890'],
    ['100000000000000000000000', '100000000000000000000000'],
  ])('keeps all digits of %s', (text, expected) => {
    expect(readJson(text)).toEqual(expected);
  });
});
