import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Literal } from '../native/literal.ts';
import { csvRecords, tsvRecords, unescapeTsv } from './delimited-text.ts';
import { jsonRecords } from './json-rows.ts';
import { StatementError } from './tokens.ts';

const values = (records: Iterable<readonly Literal[]>): (string | null)[][] =>
  [...records].map((record) =>
    record.map((literal) =>
      literal.kind === 'string' ? literal.value : literal.kind === 'number' ? literal.text : null,
    ),
  );

const fields = fc.array(fc.array(fc.option(fc.string({ unit: 'grapheme' })), { minLength: 2, maxLength: 4 }));

describe('csvRecords', () => {
  it('reads what is quoted, whatever it holds', () => {
    fc.assert(
      fc.property(fields, fc.constantFrom('\n', '\r\n'), fc.constantFrom('"', "'"), (rows, lineEnd, quote) => {
        const text = rows.map((row) =>
          row
            .map((field) => (field === null ? '\\N' : `${quote}${field.replaceAll(quote, quote + quote)}${quote}`))
            .join(','),
        );
        expect(values(csvRecords(text.map((line) => line + lineEnd).join('')))).toEqual(rows);
      }),
    );
  });

  it('reads plain fields and says what is wrong', () => {
    expect(values(csvRecords('1, two ,\n"a" ,,3'))).toEqual([
      ['1', 'two', ''],
      ['a', '', '3'],
    ]);
    expect(() => values(csvRecords('"open'))).toThrow(StatementError);
    expect(() => values(csvRecords('"a"b'))).toThrow(StatementError);
  });
});

describe('tsvRecords', () => {
  it('reads what is escaped', () => {
    const escape = (field: string): string =>
      field.replace(/[\\\t\n\r]/g, (char) => `\\${{ '\\': '\\', '\t': 't', '\n': 'n', '\r': 'r' }[char] ?? ''}`);
    fc.assert(
      fc.property(fields, (rows) => {
        const text = rows.map((row) => row.map((field) => (field === null ? '\\N' : escape(field))).join('\t'));
        expect(values(tsvRecords(text.join('\n')))).toEqual(rows);
      }),
    );
    expect(unescapeTsv("it\\'s \\0")).toBe("it's \0");
  });
});

describe('jsonRecords', () => {
  it('keeps the digits of numbers and takes the columns in their order', () => {
    expect(
      values(jsonRecords('{"b": 12345678901234567890, "a": "x"}\n\n{"a": null, "b": 1e400},\n', ['a', 'b'])),
    ).toEqual([
      ['x', '12345678901234567890'],
      [null, '1e400'],
    ]);
  });

  it.each(['{"a": 1', '[1]', '1', '{"a": 1}', '{"a": 1, "b": 2, "c": 3}', '{"a": {}, "b": 1}'])(
    'refuses %s',
    (text) => {
      expect(() => values(jsonRecords(text, ['a', 'b']))).toThrow(StatementError);
    },
  );
});
