import { describe, expect, it } from 'vitest';
import { statementKind } from '../text/statement-kind.ts';
import { survivingStatements } from './surviving-statements.ts';

const OUTCOME = { affectedRows: 1, rows: undefined, info: '', warnings: 0, gtids: undefined, inTransaction: true };

describe('survivingStatements', () => {
  it.each([
    ['UPDATE t; DELETE 2', 'UPDATE t; DELETE 2'],
    ['UPDATE 1; SAVEPOINT a; UPDATE 2; ROLLBACK TO a; UPDATE 3', 'UPDATE 1; UPDATE 3'],
    ['SAVEPOINT a; UPDATE 1; SAVEPOINT b; UPDATE 2; ROLLBACK WORK TO SAVEPOINT `A`; UPDATE 3', 'UPDATE 3'],
    ['SAVEPOINT a; UPDATE 1; SAVEPOINT b; UPDATE 2; ROLLBACK TO b; ROLLBACK TO b', 'UPDATE 1'],
    ['SAVEPOINT a; UPDATE 1; SAVEPOINT a; UPDATE 2; ROLLBACK TO a', 'UPDATE 1'],
    ['SAVEPOINT a; UPDATE 1; RELEASE SAVEPOINT a; UPDATE 2', 'UPDATE 1; UPDATE 2'],
    ['SAVEPOINT a; UPDATE 1; SAVEPOINT b; UPDATE 2; ROLLBACK TO a; UPDATE 3; ROLLBACK TO a /* x */', ''],
  ])('%s: %s', (text, kept) => {
    const statements = text
      .split('; ')
      .map((one, index) => ({ number: index + 1, text: one, kind: statementKind(one), outcome: OUTCOME }));
    const found = survivingStatements(statements).map((statement) => statement.text);
    expect(found.join('; ')).toBe(kept);
  });
});
