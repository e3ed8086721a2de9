import type { BlockColumn } from '../native/block.ts';
import type { Value } from '../native/codecs/codec.ts';
import { NotPlain } from '../native/literal.ts';
import type { Literal } from '../native/literal.ts';
import { csvRecords, tsvRecords } from './delimited-text.ts';
import type { InsertStatement } from './insert-statement.ts';
import { jsonRecords } from './json-rows.ts';
import { StatementError } from './tokens.ts';
import { TupleReader } from './tuple-reader.ts';
import type { TupleItem } from './tuple-reader.ts';

/** A row holds more than literals; only the server can tell its values. */
export class NeedsServer extends Error {
  override readonly name = 'NeedsServer';
}

/**
 * The rows of an INSERT as values of its columns, one by one; each call reads them anew. Throws `NeedsServer` on
 * expressions after VALUES, and `StatementError` on rows that cannot be or a format that the client does not read.
 */
export function* inlineRows(
  text: string,
  insert: InsertStatement,
  columns: readonly BlockColumn[],
): Generator<readonly Value[]> {
  const format = insert.format.toLowerCase();
  if (format === 'values') {
    for (const items of tuples(text, insert, columns)) yield items.map((item, i) => valueOf(item, columns[i]));
    return;
  }
  const data = text.slice(insert.dataStart);
  let number = 0;
  for (const record of records(format, insert.format, data, columns)) {
    number += 1;
    checkCount(number, record.length, columns);
    yield record.map((literal, i) => convert(literal, columns[i], number));
  }
}

/** The tuples after VALUES, each with as many items as there are columns. */
export function* tuples(
  text: string,
  insert: InsertStatement,
  columns: readonly BlockColumn[],
): Generator<readonly TupleItem[]> {
  const reader = new TupleReader(text, insert.dataStart);
  for (let number = 1; ; number += 1) {
    const items = reader.next();
    if (items === undefined) return;
    checkCount(number, items.length, columns);
    yield items;
  }
}

function records(
  format: string,
  written: string,
  data: string,
  columns: readonly BlockColumn[],
): Iterable<readonly Literal[]> {
  switch (format) {
    case 'csv':
      return csvRecords(data);
    case 'tabseparated':
    case 'tsv':
      return tsvRecords(data);
    case 'jsoneachrow':
      return jsonRecords(
        data,
        columns.map(({ name }) => name),
      );
    default:
      throw new StatementError(
        `rows in the format ${written} cannot be sent by the native protocol, only Values, CSV, TabSeparated and JSONEachRow; use protocol http`,
      );
  }
}

function valueOf({ literal }: TupleItem, column: BlockColumn | undefined): Value {
  if (literal === undefined || column === undefined) throw new NeedsServer('an expression');
  try {
    return column.codec.fromLiteral(literal);
  } catch (err) {
    if (err instanceof NotPlain) throw new NeedsServer(err.message, { cause: err });
    throw err;
  }
}

/** Arrays and tuples stand in these formats as SQL writes them. */
function convert(literal: Literal, column: BlockColumn | undefined, row: number): Value {
  if (column === undefined) return null;
  const { codec, name } = column;
  try {
    return codec.fromLiteral(literal);
  } catch (err) {
    if (!(err instanceof NotPlain)) throw err;
    const nested = literal.kind === 'string' && /^\s*[[(]/.test(literal.value) ? parseNested(literal.value) : undefined;
    if (nested !== undefined) {
      try {
        return codec.fromLiteral(nested);
      } catch (inner) {
        if (!(inner instanceof NotPlain)) throw inner;
      }
    }
    throw new StatementError(`row ${row}, column ${name}: ${err.message}`, { cause: err });
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

function checkCount(row: number, found: number, columns: readonly BlockColumn[]): void {
  if (found !== columns.length)
    throw new StatementError(`row ${row} has ${found} values, but the INSERT has ${columns.length} columns`);
}
