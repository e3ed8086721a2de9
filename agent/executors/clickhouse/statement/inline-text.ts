import { csvRecords, tsvRecords } from './delimited-text.ts';
import type { InsertStatement } from './insert-statement.ts';
import { paced } from './paced.ts';
import { StatementError } from './tokens.ts';
import { TupleReader } from './tuple-reader.ts';
import type { TupleItem } from './tuple-reader.ts';

/** The rows of an INSERT as text, to be sent apart from the statement. */
export interface InlineText {
  /** How many they are; undefined for formats that the client does not read. */
  readonly rows: number | undefined;
  /** In pieces; to be read once. */
  readonly pieces: Iterable<string>;
}

const PIECE_CHARS = 64 * 1024;

/**
 * Looks through the rows of an INSERT that go as text. Servers take no remarks between rows, and text formats want their
 * last line ended. Undefined when the client cannot make out the rows: the server shall say what is wrong. Rejects with
 * the signal's reason.
 */
export async function inlineText(
  text: string,
  insert: InsertStatement,
  signal: AbortSignal,
): Promise<InlineText | undefined> {
  const format = insert.format.toLowerCase();
  try {
    if (format === 'values') {
      const rows = await count(tuples(text, insert), signal);
      return { rows, pieces: inPieces(tupleTexts(text, insert)) };
    }
    const data = text.slice(insert.dataStart);
    const found = records(format, data);
    return {
      rows: found === undefined ? undefined : await count(found, signal),
      pieces: inPieces([data, data.endsWith('\n') ? '' : '\n']),
    };
  } catch (err) {
    if (err instanceof StatementError) return undefined;
    throw err;
  }
}

async function count(items: Iterable<unknown>, signal: AbortSignal): Promise<number> {
  let total = 0;
  for await (const _ of paced(items, signal)) total += 1;
  return total;
}

function records(format: string, data: string): Iterable<unknown> | undefined {
  switch (format) {
    case 'csv':
      return csvRecords(data);
    case 'tabseparated':
    case 'tsv':
      return tsvRecords(data);
    case 'jsoneachrow':
      return data.split('\n').filter((line) => line.trim() !== '');
    default:
      return undefined;
  }
}

function* tuples(text: string, insert: InsertStatement): Generator<readonly TupleItem[]> {
  const reader = new TupleReader(text, insert.dataStart);
  for (let items = reader.next(); items !== undefined; items = reader.next()) yield items;
}

function* tupleTexts(text: string, insert: InsertStatement): Generator<string> {
  let separator = '';
  for (const items of tuples(text, insert)) {
    yield `${separator}(${items.map(({ start, end }) => text.slice(start, end)).join(',')})`;
    separator = ',';
  }
}

function* inPieces(texts: Iterable<string>): Generator<string> {
  let piece = '';
  for (const text of texts) {
    piece += text;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
