import type { BlockColumn } from '../native/block.ts';
import { literalValue } from '../native/codecs/codec.ts';
import type { Value } from '../native/codecs/codec.ts';
import { Misfit } from '../native/literal.ts';
import type { Literal } from '../native/literal.ts';
import { csvRecords, tsvRecords } from './delimited-text.ts';
import type { InsertStatement } from './insert-statement.ts';
import { jsonRecords } from './json-rows.ts';
import { StatementError } from './tokens.ts';
import { TupleReader } from './tuple-reader.ts';

/** A value that only the server can evaluate. */
export class Expression {
  /** SQL. */
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** A row, a cell for each column. */
export type InlineRow = readonly (Value | Expression)[];

/**
 * The rows of an INSERT, one by one; each call reads them anew. Throws `StatementError` on rows that cannot be, literals
 * that do not fit their column, and formats that the client does not read.
 */
export function* inlineRows(
  text: string,
  insert: InsertStatement,
  columns: readonly BlockColumn[],
): Generator<InlineRow> {
  let number = 0;
  for (const cells of records(text, insert, columns)) {
    number += 1;
    if (cells.length !== columns.length)
      throw new StatementError(
        `row ${number} has ${cells.length} values, but the INSERT has ${columns.length} columns`,
      );
    yield columns.map((column, i) => {
      const cell = cells[i] ?? NULL;
      return cell instanceof Expression ? cell : fitted(cell, column, number);
    });
  }
}

const NULL: Literal = { kind: 'null' };

function records(
  text: string,
  insert: InsertStatement,
  columns: readonly BlockColumn[],
): Iterable<readonly (Literal | Expression)[]> {
  const data = (): string => text.slice(insert.dataStart);
  switch (insert.format.toLowerCase()) {
    case 'values':
      return tuples(text, insert.dataStart);
    case 'csv':
      return csvRecords(data());
    case 'tabseparated':
    case 'tsv':
      return tsvRecords(data());
    case 'jsoneachrow':
      return jsonRecords(
        data(),
        columns.map(({ name }) => name),
      );
    default:
      throw new StatementError(
        `rows in the format ${insert.format} cannot be sent by the native protocol, only Values, CSV, TabSeparated and JSONEachRow; use protocol http`,
      );
  }
}

function* tuples(text: string, start: number): Generator<readonly (Literal | Expression)[]> {
  const reader = new TupleReader(text, start);
  for (let items = reader.next(); items !== undefined; items = reader.next())
    yield items.map((item) => item.literal ?? new Expression(text.slice(item.start, item.end)));
}

/** A server would wrap a number around, cut it, or take what it can read of a text. */
function fitted(literal: Literal, { codec, name }: BlockColumn, row: number): Value {
  try {
    return literalValue(codec, literal);
  } catch (err) {
    if (!(err instanceof Misfit)) throw err;
    // Arrays and tuples stand in texts as SQL writes them.
    const nested = literal.kind === 'string' && /^\s*[[(]/.test(literal.value) ? parseNested(literal.value) : undefined;
    if (nested !== undefined) return fitted(nested, { codec, name }, row);
    throw new StatementError(`row ${row}: ${err.shown} does not fit into ${name} ${codec.type}`, { cause: err });
  }
}

function parseNested(text: string): Literal | undefined {
  try {
    return new TupleReader(`(${text})`, 0).next()?.[0]?.literal;
  } catch (err) {
    if (err instanceof StatementError) return undefined;
    throw err;
  }
}
