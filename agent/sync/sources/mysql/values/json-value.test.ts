import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentJson, floatJson, integerJson } from './json-value.ts';

describe('values as JSON', () => {
  it('hold every digit of an integer', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 64n), (value) => {
        const json = integerJson(String(value));
        expect(String(json)).toBe(String(value));
        expect(typeof json).toBe(Number.isSafeInteger(Number(value)) ? 'number' : 'string');
      }),
    );
  });

  it('hold every FLOAT, in as few digits as it needs', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Math.fround(floatJson(value)) === value).toBe(true);
      }),
    );
    expect(floatJson(Math.fround(0.1))).toBe(0.1);
    expect(floatJson(Math.fround(16777217))).toBe(16777216);
  });

  it.each([
    ['{"a": 12345678901234567890}', { a: '12345678901234567890' }],
    ['[9007199254740991, 9007199254740992]', [9007199254740991, '9007199254740992']],
    ['[0.12345678901234567890, 1.5, 0.1]', ['0.12345678901234567890', 1.5, 0.1]],
    ['[-0.0, -0, 1e20, "12345678901234567890"]', [0, 0, 1e20, '12345678901234567890']],
    ['null', null],
  ])('hold the numbers of the document %s', (text, value) => {
    expect(documentJson(text)).toEqual(value);
  });
});
