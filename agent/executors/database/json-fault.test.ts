import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFault } from './json-fault.ts';

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('findJsonFault', () => {
  it('finds no fault in JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (json, spread) => {
        const text = spread ? JSON.stringify(JSON.parse(json), undefined, '\t') : json;
        expect(findJsonFault(text)).toBeUndefined();
      }),
    );
  });

  it('takes a name again in another object', () => {
    expect(findJsonFault('{"a": {"a": [{"a": 1}, {"a": 2}]}, "b": {"a": {}}}')).toBeUndefined();
  });

  it('agrees with JSON.parse on texts that are almost JSON', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '1',
      '-',
      '.5',
      'e3',
      '0',
      'true',
      'nul',
      ' ',
      '\n',
      '\\',
    ];
    const almost = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(almost, (text) => {
        const fault = findJsonFault(text);
        if (fault?.problem.includes('twice') !== true) expect(fault === undefined).toBe(isJson(text));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['{"a": 1,}', 1, 9, 'expected a name in double quotes'],
    ["{'a': 1}", 1, 2, 'expected a name in double quotes'],
    ['{"a": 1\n "b": 2}', 2, 2, 'expected a comma or }'],
    ['[1,\n  two]', 2, 3, 'expected a value'],
    ['{"a" 1}', 1, 6, 'expected a colon'],
    ['{"a": 1,\n "a": 2}', 2, 2, 'the name "a" stands twice in one object'],
    ['{"a": {"b": 1, "c": 2, "\\u0062": 3}}', 1, 24, 'the name "b" stands twice in one object'],
    ['[] []', 1, 4, 'expected the end of the text'],
    ['{"a": [1', 1, 9, 'the text ends too early'],
    ['["a\nb"]', 1, 4, 'a string may not hold control characters or line breaks'],
    ['["\\x41"]', 1, 3, 'unknown escape sequence in a string'],
    ['', 1, 1, 'the text ends too early'],
  ])('says where and why %j is none', (text, line, column, problem) => {
    expect(findJsonFault(text)).toMatchObject({ line, column, problem });
  });

  it('takes long strings', () => {
    expect(findJsonFault(`["${'\\n'.repeat(1_000_000)}"`)?.problem).toBe('the text ends too early');
  });
});
