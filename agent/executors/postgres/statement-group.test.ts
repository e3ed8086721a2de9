import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatementGroup } from './statement-group.ts';

const serverError = (position?: number): Error =>
  Object.assign(new Error('x'), {
    severity: 'ERROR',
    ...(position === undefined ? {} : { position: String(position) }),
  });

describe('StatementGroup', () => {
  it('finds the statement and the line that an error points to', () => {
    const text = fc.array(fc.constantFrom('a', '\n', 'é', '漢', '😀', ' '), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), fc.nat(), fc.nat(), (texts, which, where) => {
        let line = 1;
        const statements = texts.map((characters, index) => {
          const statement = { number: index + 1, text: characters.join(''), line };
          line += 7;
          return statement;
        });
        const group = new StatementGroup(statements);
        const index = which % texts.length;
        const offset = where % texts[index]!.length;
        const lengthOf = (from: number): number =>
          Array.from(
            statements
              .slice(from)
              .map((s) => s.text)
              .join('\n;\n'),
          ).length;
        const before = lengthOf(0) - lengthOf(index);
        const found = group.locate(serverError(before + offset + 1), 0);
        expect(found?.statement).toBe(statements[index]);
        const lines = texts[index]!.slice(0, offset).filter((character) => character === '\n').length;
        expect(found?.line).toBe(statements[index]!.line + lines);
      }),
    );
  });

  it('takes the first that was not completed when the error points nowhere', () => {
    const statements = [1, 2, 3].map((number) => ({ number, text: 'SELECT 1', line: number }));
    const group = new StatementGroup(statements);
    expect(group.locate(serverError(), 1)).toEqual({ statement: statements[1], line: 2, through: 2 });
    expect(group.locate(new Error('ours'), 3)).toEqual({ statement: statements[2], line: 3, through: 3 });
    expect(new StatementGroup().locate(new Error('lost'), 0)).toBeUndefined();
  });

  it('takes all that were not completed when the connection is lost without a word', () => {
    const statements = [1, 2, 3].map((number) => ({ number, text: 'SELECT 1', line: number }));
    const lost = new Error('Connection terminated unexpectedly');
    expect(new StatementGroup(statements).locate(lost, 1)).toEqual({ statement: statements[1], line: 2, through: 3 });
  });

  it('is full with 200 statements or much text', () => {
    const many = new StatementGroup(Array.from({ length: 200 }, () => ({ number: 1, text: 'x', line: 1 })));
    const long = new StatementGroup([{ number: 1, text: 'x'.repeat(200_000), line: 1 }]);
    expect([many.isFull, long.isFull, new StatementGroup().isFull]).toEqual([true, true, false]);
  });
});
