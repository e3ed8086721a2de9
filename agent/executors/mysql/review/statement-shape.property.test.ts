import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statementKind } from '../text/statement-kind.ts';
import { SqlTokens } from '../text/sql-tokens.ts';
import { shapeOf } from './statement-shape.ts';
import { textRemarks } from './text-remarks.ts';

const name = fc.oneof(
  fc.constantFrom('t', 'orders', '订单', 'a b', 'select', 'x`y', '2023_log', 'from'),
  fc.string({ minLength: 1, maxLength: 8 }).filter((text) => !/[\0/]/.test(text)),
);
const quoted = (text: string): string => `\`${text.replaceAll('`', '``')}\``;
/** What may stand between two words. */
const gap = fc.constantFrom(
  ' ',
  '\n',
  '\t ',
  '/* , FROM x */',
  ' -- FROM y\n',
  ' # JOIN z\n',
  '/**/',
  ' /*!*/ ',
  '/*!50000 */',
);
const string = fc.constantFrom("'x'", '\'FROM "t"\'', "'it''s'", "'\\' FROM z'", '"WHERE 1"', "'/*'", "'--'");

describe('shapeOf', () => {
  it('finds every table, whatever stands between the words', () => {
    fc.assert(
      fc.property(
        fc.array(name, { minLength: 1, maxLength: 5 }),
        fc.infiniteStream(gap),
        string,
        (names, gaps, text) => {
          const join = (...parts: string[]): string =>
            parts.map((part) => part + (gaps.next().value as string)).join('');
          const [target = '', ...others] = names;
          const query = (list: string[]): string =>
            list.map((each) => join('(', 'SELECT', text, 'FROM', quoted(each), ')')).join(join(' ', '+'));
          const changed = join('UPDATE', quoted(target), 'SET', 'a', '=', text);
          const written = others.length === 0 ? changed : join(changed, ',', 'b', '=', query(others));
          const wanted = [`change ${target}`, ...others.map((each) => `read ${each}`)];
          const found = shapeOf(written).tables.map((table) => `${table.use} ${table.name}`);
          expect(new Set(found)).toEqual(new Set(wanted));
          expect(shapeOf(written).kind).toBe('dml');
          expect(textRemarks(shapeOf(written), { inTransaction: false }).map(({ code }) => code)).toEqual(['NoWhere']);
        },
      ),
    );
  });

  it('reads any text to its end without an error', () => {
    const piece = fc.oneof(
      string,
      gap,
      fc.string({ maxLength: 10 }),
      fc.constantFrom(
        ...'( ) , . ; ` \' " @ /*! */ /* -- # UPDATE DELETE FROM INSERT INTO SELECT WITH AS SET WHERE JOIN TABLE VALUES'.split(
          ' ',
        ),
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join(' ');
        const tokens = new SqlTokens(text);
        let end = 0;
        for (let token = tokens.next(); token.kind !== 'end'; token = tokens.next()) {
          expect(token.start).toBeGreaterThanOrEqual(end);
          expect(token.end).toBeGreaterThan(token.start);
          end = token.end;
        }
        const shape = shapeOf(text);
        expect(shape.kind).toBe(statementKind(text));
        textRemarks(shape, { inTransaction: true });
      }),
      { numRuns: 500 },
    );
  });
});
