import { describe, expect, it } from 'vitest';
import { parseJson } from './go-json.ts';

describe('parseJson', () => {
  it('parses what JSON.parse parses', () => {
    expect(parseJson('{"a":[1,-2.5e3,"\\u00fc",true,null]}')).toEqual({ a: [1, -2500, 'ü', true, null] });
  });

  // The messages are those of encoding/json's scanner.
  it.each([
    ['', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['{"a":', 'unexpected end of JSON input'],
    ['"abc', 'unexpected end of JSON input'],
    ['nonsense', "invalid character 'o' in literal null (expecting 'u')"],
    ['{} {}', "invalid character '{' after top-level value"],
    ['\0', "invalid character '\\x00' looking for beginning of value"],
    ['{a}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
    ['[1 2]', "invalid character '2' after array element"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['-a', "invalid character 'a' in numeric literal"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['1ex', "invalid character 'x' in exponent of numeric literal"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
    ['ü', "invalid character 'Ã' looking for beginning of value"],
  ])('says of %j what Go says', (text, message) => {
    expect(() => parseJson(text)).toThrow(message);
  });

  it.each([']'.repeat(100_000), ''])('refuses what is nested too deep (closed by %#)', (end) => {
    expect(() => parseJson('['.repeat(100_000) + end)).toThrow('exceeded max depth');
  });
});
