import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Literal } from '../native/literal.ts';
import { StatementError } from './tokens.ts';
import { TupleReader } from './tuple-reader.ts';

/** Literals, or the source of expressions. */
function read(text: string): (Literal | string)[][] {
  const reader = new TupleReader(text, 0);
  const rows: (Literal | string)[][] = [];
  for (let items = reader.next(); items !== undefined; items = reader.next())
    rows.push(items.map(({ literal, start, end }) => literal ?? text.slice(start, end)));
  return rows;
}

const number = (text: string): Literal => ({ kind: 'number', text });
const string = (value: string): Literal => ({ kind: 'string', value });

describe('TupleReader', () => {
  it('reads literals of all kinds', () => {
    expect(
      read(
        `(1, -2.5e3, +.5, 'a''b\\n\\'', NULL, null) , ([1, [-2]], (1, 'x'), [], inf, -NaN) /* c */ (0x1F), (1_000) -- end`,
      ),
    ).toEqual([
      [number('1'), number('-2.5e3'), number('+.5'), string("a'b\n'"), { kind: 'null' }, { kind: 'null' }],
      [
        { kind: 'array', items: [number('1'), { kind: 'array', items: [number('-2')] }] },
        { kind: 'tuple', items: [number('1'), string('x')] },
        { kind: 'array', items: [] },
        number('inf'),
        number('-nan'),
      ],
      [number('31')],
      [number('1000')],
    ]);
  });

  it('leaves expressions to the server', () => {
    expect(
      read(`(now(), 1 + 1, f('),(', [1, (2)]) , 'a' || 'b', DEFAULT, [1 + 1], "a b", '\\xff', '\\q', - -1)`),
    ).toEqual([
      ['now()', '1 + 1', `f('),(', [1, (2)])`, `'a' || 'b'`, 'DEFAULT', '[1 + 1]', '"a b"', `'\\xff'`, `'\\q'`, '- -1'],
    ]);
  });

  it('leaves out remarks behind an expression', () => {
    expect(read(`(f('x') -- why\n, 1 + /* one */ 1 /* two */)`)).toEqual([[`f('x')`, '1 + /* one */ 1']]);
  });

  it('reads the literals that it is given, whatever white space and remarks stand between them', () => {
    const leaf = fc.oneof(
      fc.integer().map((n) => number(String(n))),
      fc.string({ unit: 'grapheme' }).map(string),
      fc.constant<Literal>({ kind: 'null' }),
    );
    const { literal } = fc.letrec<{ literal: Literal }>((tie) => ({
      literal: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('literal'), { maxLength: 3 }).map((items): Literal => ({ kind: 'array', items })),
        fc.array(tie('literal'), { minLength: 1, maxLength: 3 }).map((items): Literal => ({ kind: 'tuple', items })),
      ),
    }));
    const gap = fc.constantFrom('', ' ', '\n\t', '/* ) */', '-- (\n');
    fc.assert(
      fc.property(fc.array(fc.array(literal, { minLength: 1, maxLength: 4 })), gap, (rows, space) => {
        const text = rows
          .map((row) => `(${row.map((item) => space + write(item) + space).join(',')})`)
          .join(`${space},`);
        expect(read(text)).toEqual(rows);
      }),
    );
  });

  it.each(['1', '(1', "('a)", '(1,)', '()', '(1) x', '(1,,2)', '(1 /* )', '(f(1)'])(
    'says what is wrong with %j',
    (text) => {
      expect(() => read(text)).toThrow(StatementError);
    },
  );

  it('ends on any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('(', ')', '[', ']', ',', "'", '\\', '1', '-', 'a', ' ', '/', '*', '\n') }),
        (text) => {
          try {
            read(`(${text}`);
          } catch (err) {
            expect(err).toBeInstanceOf(StatementError);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

function write(literal: Literal): string {
  switch (literal.kind) {
    case 'number':
      return literal.text;
    case 'string':
      return `'${literal.value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
    case 'null':
      return 'NULL';
    case 'array':
      return `[${literal.items.map(write).join(', ')}]`;
    case 'tuple':
      return `(${literal.items.map(write).join(', ')})`;
  }
}
