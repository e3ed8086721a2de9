import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject, parseJson } from './lossless-json.ts';

describe('parseJson', () => {
  it.each([
    '{"n":9007199254740993}',
    '{"n":-12345678901234567890123}',
    '{"n":1.0,"m":[0.10,1e3,1E+400]}',
    '{"n":1,"s":"1.0 and 9007199254740993"}',
    '[1.5,{"a":{"b":2.50}}]',
    '9007199254740993',
  ])('keeps the numbers of %s', (text) => {
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  it('gives what JSON.parse gives where that changes nothing', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(JSON.stringify(parseJson(text)))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('takes a number that it keeps for no object', () => {
    expect(['9007199254740993', '1.0', '[]', 'null', '{}'].map((text) => isObject(parseJson(text)))).toEqual([
      false,
      false,
      false,
      false,
      true,
    ]);
  });
});
