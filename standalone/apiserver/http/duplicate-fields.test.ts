import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duplicateFields } from './duplicate-fields.ts';

describe('duplicateFields', () => {
  it.each([
    ['{"a":1,"a":2}', ['a']],
    ['{"spec":{"a":1,"b":{"a":1},"a":2}}', ['spec.a']],
    ['{"spec":{"list":[{"a":1},{"b":1,"b":2}]}}', ['spec.list[1].b']],
    ['{"a":1,"a":2,"a":3}', ['a']],
    ['{ "a" : "a" , "b" : ":" , "a" : [] }', ['a']],
    ['{"\\u0061":1,"a":2}', ['a']],
    ['{"a":"{\\"a\\":1}","b":"\\\\"}', []],
    ['{"a":[[1,2],[3]],"b":{"a":{}}}', []],
    ['[]', []],
  ])('finds in %s %j', (text, expected) => {
    expect(duplicateFields(text)).toEqual(expected);
  });

  it('finds nothing in what a serialiser wrote', () => {
    fc.assert(fc.property(fc.json(), (text) => duplicateFields(text).length === 0));
  });
});
