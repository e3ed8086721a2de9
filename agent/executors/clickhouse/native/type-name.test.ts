import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTypeName, unquote } from './type-name.ts';

describe('parseTypeName', () => {
  it.each([
    ['UInt8', 'UInt8', []],
    ['Decimal(9,2)', 'Decimal', ['9', '2']],
    ["Enum8('a, (b)' = 1, 'it\\'s' = -2)", 'Enum8', ["'a, (b)' = 1", "'it\\'s' = -2"]],
    ['Tuple(Array(Tuple(A, B)), `x, y` Int8)', 'Tuple', ['Array(Tuple(A, B))', '`x, y` Int8']],
  ])('takes %s apart', (text, name, args) => {
    expect(parseTypeName(text)).toEqual({ name, args });
  });

  it.each(['', '(', 'Array(', 'Array(UInt8', 'Array(UInt8))', 'Array(UInt8) x', 'Tuple()', 'Tuple(,)', "Enum8('a)"])(
    'finds no type in %j',
    (text) => {
      expect(parseTypeName(text)).toBeUndefined();
    },
  );

  it('ends on any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('A', '(', ')', ',', "'", '\\', '`', ' ') }),
        (text) => void parseTypeName(text),
      ),
    );
  });
});

describe('unquote', () => {
  it('resolves escapes', () => {
    expect(unquote(`'it\\'s ''so'' \\\\ \\n'`)).toBe(`it's 'so' \\ \n`);
    expect(unquote(`'open`)).toBeUndefined();
    expect(unquote(`'a' = 'b'`)).toBeUndefined();
  });
});
