import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readArray } from './array-text.ts';

const asText = (text: string): string => text;
type Nested = string | null | readonly Nested[];
const write = (value: Nested): string => {
  if (value === null) return 'NULL';
  if (typeof value !== 'string') return `{${value.map(write).join(',')}}`;
  return `"${value.replace(/["\\]/g, String.raw`\$&`)}"`;
};

describe('readArray', () => {
  it('reads what was written', () => {
    const values = fc.array(fc.option(fc.string()));
    const inner = fc.array(fc.array(fc.string(), { minLength: 1 }), { minLength: 1 });
    const nested = fc.array(inner, { minLength: 1 });
    fc.assert(
      fc.property(fc.oneof(values, nested), (value) => {
        expect(readArray(write(value), ',', asText)).toEqual(value);
      }),
    );
  });

  it.each([
    ['{}', ',', []],
    ['{1,2,NULL}', ',', ['1', '2', null]],
    ['{"NULL",null}', ',', ['NULL', 'null']],
    ['[0:1]={a,b}', ',', ['a', 'b']],
    ['{(1,2),(0,0);(3,4),(1,1)}', ';', ['(1,2),(0,0)', '(3,4),(1,1)']],
  ])('reads %s', (text, delimiter, expected) => {
    expect(readArray(text, delimiter, asText)).toEqual(expected);
  });

  it.each(['', '1', '{', '{1', '{"', '{"a', '{1}2', '{{1}', '{"a"b}'])('refuses %j', (text) => {
    expect(() => readArray(text, ',', asText)).toThrow('no array');
  });

  it('ends whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{', '}', '"', '\\', ',', 'a') }), (text) => {
        try {
          readArray(text, ',', asText);
        } catch (err) {
          expect((err as Error).message).toContain('no array');
        }
      }),
    );
  });
});
