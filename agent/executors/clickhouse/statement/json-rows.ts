import type { Literal } from '../native/literal.ts';
import { StatementError } from './tokens.ts';

/** A number keeps the digits that it is written with. */
class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The records of a JSONEachRow text: an object a line, with a value for each column and nothing else. */
export function* jsonRecords(text: string, columns: readonly string[]): Generator<readonly Literal[]> {
  let number = 0;
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at);
    const line = text
      .slice(at, end < 0 ? undefined : end)
      .trim()
      .replace(/,$/, '');
    at = end < 0 ? text.length : end + 1;
    if (line === '') continue;
    number += 1;
    const row = parse(line, number);
    for (const key of row.keys())
      if (!columns.includes(key)) throw new StatementError(`row ${number}: there is no column ${key} in the INSERT`);
    yield columns.map((column) => {
      // What a column is by default only the server knows.
      if (!row.has(column))
        throw new StatementError(`row ${number} lacks the column ${column}: name the columns in INSERT INTO t (a, b)`);
      return toLiteral(row.get(column));
    });
  }
}

function parse(line: string, number: number): Map<string, unknown> {
  let row: unknown;
  try {
    row = JSON.parse(line, (_key, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? new NumberText(context?.source ?? String(value)) : value,
    );
  } catch (err) {
    throw new StatementError(`row ${number} is not JSON in one line: ${(err as Error).message}`, { cause: err });
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row) || row instanceof NumberText)
    throw new StatementError(`row ${number} is not a JSON object`);
  return new Map(Object.entries(row));
}

function toLiteral(value: unknown): Literal {
  if (value === null) return { kind: 'null' };
  if (value instanceof NumberText) return { kind: 'number', text: value.text };
  if (typeof value === 'boolean') return { kind: 'number', text: value ? '1' : '0' };
  if (typeof value === 'string') return { kind: 'string', value };
  if (Array.isArray(value)) return { kind: 'array', items: value.map(toLiteral) };
  throw new StatementError('an object within a row cannot be sent by the native protocol; use protocol http');
}
