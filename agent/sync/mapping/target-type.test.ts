import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { converterTo, targetType } from './target-type.ts';

const written = (type: string, value: unknown): string | undefined => JSON.stringify(converterTo(type)(value));

describe('targetType', () => {
  it('is what the schema says', () => {
    expect(targetType({ type: 'integer' })).toBe('integer');
    expect(targetType(undefined)).toBeUndefined();
  });

  it('looks past null, in each way to write it', () => {
    const ways = [
      { type: ['string', 'null'] },
      { anyOf: [{ type: 'string' }, { type: 'null' }] },
      { oneOf: [{ type: 'null' }, { type: 'string' }] },
    ];
    for (const way of ways) expect(targetType(way as never)).toBe('string');
  });

  it('is unknown when several types are allowed', () => {
    expect(targetType({ anyOf: [{ type: 'string' }, { type: 'integer' }] } as never)).toBeUndefined();
  });
});

describe('converterTo', () => {
  it.each([
    ['string', 'a', '"a"'],
    ['string', 12.5, '"12.5"'],
    ['string', true, '"true"'],
    ['string', { a: [1] }, '"{\\"a\\":[1]}"'],
    ['integer', '12', '12'],
    ['integer', ' -7 ', '-7'],
    ['integer', 3.7, '3'],
    ['integer', true, '1'],
    ['integer', '12.50', '12'],
    ['integer', '-12.00', '-12'],
    ['integer', '18446744073709551615.9', '18446744073709551615'],
    ['integer', '.5', undefined],
    ['integer', '12.5.1', undefined],
    ['integer', '', undefined],
    ['integer', {}, undefined],
    ['number', '12.50', '12.5'],
    ['number', '.5', '0.5'],
    ['number', '1e3', '1000'],
    ['number', 'nan', undefined],
    ['number', '0x10', undefined],
    ['number', '1e999', undefined],
    ['number', '1.0000000000000000001e999', undefined],
    ['boolean', 1, 'true'],
    ['boolean', '0', 'false'],
    ['boolean', 'maybe', undefined],
    ['array', [1], '[1]'],
    ['array', 'a', undefined],
    ['geometry', { x: 1 }, '{"x":1}'],
  ])('makes a %s of %j: %s', (type, value, text) => {
    expect(written(type, value)).toBe(text);
  });

  it('keeps every digit of integers and decimals that a double cannot hold', () => {
    expect(written('integer', '18446744073709551615')).toBe('18446744073709551615');
    expect(written('integer', '-0009223372036854775808')).toBe('-9223372036854775808');
    expect(written('number', '+0012345678901234567890.000000000000000001')).toBe(
      '12345678901234567890.000000000000000001',
    );
    expect(written('number', '.12345678901234567890')).toBe('0.12345678901234567890');
  });

  it('reads long texts that are no numbers as fast as others', () => {
    expect(written('number', `${'1'.repeat(1_000_000)}x`)).toBeUndefined();
    expect(written('integer', `${'1'.repeat(1_000_000)}x`)).toBeUndefined();
  });

  it('writes any decimal text as JSON that means the same number', () => {
    const digits = fc.stringMatching(/^[+-]?[0-9]{1,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{1,2})?$/);
    fc.assert(
      fc.property(digits, (text) => {
        // −0 may lose its sign.
        expect(JSON.parse(written('number', text) ?? 'null') === Number(text)).toBe(true);
      }),
    );
  });
});
