import { CopyData } from './copy-data.ts';
import type { SqlDialect } from './sql-dialect.ts';
import { StatementScanner } from './statement-scanner.ts';

export type { SqlDialect } from './sql-dialect.ts';

export interface SqlStatement {
  /** From 1; COPY's data has no number. */
  readonly number: number;
  /** Without its delimiter, and without remarks in lines of their own before it. */
  readonly text: string;
  /** From 1: where `text` begins. */
  readonly line: number;
  /**
   * Of PostgreSQL's COPY … FROM stdin: the lines after it, as they stand, up to the line `\.`. To be read before the
   * next statement is asked for; what is not read by then is passed over.
   */
  readonly copyData?: AsyncIterable<string>;
}

export interface SplitOptions {
  /** Of MySQL: the session begins with this sql_mode. What the text sets is followed. */
  readonly noBackslashEscapes?: boolean;
}

/**
 * Splits a text into its statements as it comes, whatever its pieces. Comments alone are no statement. Rejects with
 * `SqlSyntaxError` on commands of psql, a comment without end, or a statement of more than 64 Mi characters; what is
 * wrong otherwise is left to the server to tell.
 */
export async function* splitStatements(
  pieces: AsyncIterable<string>,
  dialect: SqlDialect,
  options: SplitOptions = {},
): AsyncGenerator<SqlStatement> {
  const scanner = new StatementScanner(dialect, options);
  const source = pieces[Symbol.asyncIterator]();
  /** Whether there is more to scan. */
  const feed = async (): Promise<boolean> => {
    if (scanner.window.final) return false;
    const next = await source.next();
    if (next.done === true) scanner.finish();
    else scanner.feed(next.value);
    return true;
  };
  try {
    for (let number = 1; ;) {
      const found = scanner.next();
      if (found === undefined) {
        if (await feed()) continue;
        return;
      }
      const { text, line } = found;
      if (found.copy) {
        const data = new CopyData(scanner.window, line);
        yield { number, text, line, copyData: readCopyData(data, feed) };
        // A new generator: the one that was given away may have been left early.
        for await (const _ of readCopyData(data, feed));
      } else yield { number, text, line };
      number += 1;
    }
  } finally {
    await source.return?.();
  }
}

async function* readCopyData(data: CopyData, feed: () => Promise<boolean>): AsyncGenerator<string> {
  while (!data.ended) {
    const part = data.next();
    if (part !== undefined) yield part;
    else if (!data.ended) await feed();
  }
}
