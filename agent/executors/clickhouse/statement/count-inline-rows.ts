import { csvRecords, tsvRecords } from './delimited-text.ts';
import type { InsertStatement } from './insert-statement.ts';
import { StatementError } from './tokens.ts';
import { TupleReader } from './tuple-reader.ts';

/** How many rows an INSERT brings; undefined for formats that the client does not read. */
export function countInlineRows(text: string, insert: InsertStatement): number | undefined {
  try {
    return count(rows(text, insert));
  } catch (err) {
    // The server has taken the rows: it reads more than we do.
    if (err instanceof StatementError) return undefined;
    throw err;
  }
}

function rows(text: string, insert: InsertStatement): Iterable<unknown> | undefined {
  const data = (): string => text.slice(insert.dataStart);
  switch (insert.format.toLowerCase()) {
    case 'values':
      return allTuples(new TupleReader(text, insert.dataStart));
    case 'csv':
      return csvRecords(data());
    case 'tabseparated':
    case 'tsv':
      return tsvRecords(data());
    case 'jsoneachrow':
      return data()
        .split('\n')
        .filter((line) => line.trim() !== '');
    default:
      return undefined;
  }
}

function* allTuples(reader: TupleReader): Generator {
  for (let items = reader.next(); items !== undefined; items = reader.next()) yield items;
}

function count(found: Iterable<unknown> | undefined): number | undefined {
  if (found === undefined) return undefined;
  let total = 0;
  for (const _ of found) total += 1;
  return total;
}
