import type { SqlStatement } from '../../sql/split-statements.ts';
import type { InceptionRow } from './result-row.ts';

export interface NumberedRow {
  /** The statement's, in the task's text. */
  readonly number: number;
  readonly row: InceptionRow;
}

/**
 * Gives the rows of an answer the numbers of their statements. goInception has rows for what it was sent in that order,
 * none for some SETs, and one with the rest of the text where it could read no further.
 */
export function numberRows(rows: readonly InceptionRow[], statements: readonly SqlStatement[]): NumberedRow[] {
  let next = 0;
  return rows.map((row) => {
    const sql = trimmed(row.sql);
    let index = next;
    while (index < statements.length && index <= next + MAX_SKIPPED && trimmed(statements[index]?.text ?? '') !== sql)
      index += 1;
    // Where it spells a statement otherwise, its place counts.
    if (index === statements.length || index > next + MAX_SKIPPED) index = Math.min(next, statements.length - 1);
    next = index + 1;
    return { number: statements[index]?.number ?? row.orderId, row };
  });
}

/** An equal statement further on is another one. */
const MAX_SKIPPED = 10;

/** As goInception trims what it shows. */
const trimmed = (text: string): string =>
  text.replace(/^[ ;\t\n\v\f\r\u00a0]+/, '').replace(/[ ;\t\n\v\f\r\u00a0]+$/, '');
