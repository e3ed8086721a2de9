import { castInserts } from './cast-insert.ts';
import type { BlockColumn } from './native/block.ts';
import type { Value } from './native/codecs/codec.ts';
import type { NativeConnection } from './native/connection.ts';
import { ProtocolError } from './native/native-error.ts';
import { readToEnd } from './native-answers.ts';
import type { StatementRun } from './session.ts';
import { Expression, inlineRows } from './statement/inline-rows.ts';
import type { InsertStatement } from './statement/insert-statement.ts';
import { paced } from './statement/paced.ts';

/** Rows of one block: as many as servers send, or fewer when they take much text. */
const MAX_ROWS = 65_536;
const MAX_CHARS = 1024 * 1024;

/**
 * Executes an INSERT that brings its rows. The server would pass over rows in the statement and report none written, so
 * they go as blocks; with expressions among them, as INSERT … SELECT. Nothing is sent before all rows are known to be
 * good. Resolves with how many the server has confirmed.
 */
export async function insertRows(
  connection: NativeConnection,
  run: StatementRun,
  insert: InsertStatement,
  { sending }: { sending: { active: boolean } },
): Promise<number> {
  // The head may end with a remark, up to the end of its line.
  await connection.query(run.queryId, `${insert.head}\nVALUES`);
  const columns = await readColumns(connection, run);
  let problem: Error | undefined;
  let evaluate = false;
  try {
    for await (const row of paced(inlineRows(run.text, insert, columns), run.signal))
      evaluate ||= row.some((cell) => cell instanceof Expression);
  } catch (err) {
    problem = err as Error;
  }
  if (problem === undefined && !evaluate) {
    sending.active = true;
    return sendAll(connection, run, insert, columns);
  }
  // The server waits for rows: none come.
  await connection.sendRows();
  await readToEnd(connection, run);
  if (problem !== undefined) throw problem;
  return castInserts(connection, run, insert, columns);
}

/** Before the rows the server tells the columns, in a block without rows. */
async function readColumns(connection: NativeConnection, run: StatementRun): Promise<readonly BlockColumn[]> {
  for (;;) {
    const answer = await connection.answer();
    if (answer.kind === 'data') return answer.block.columns;
    if (answer.kind !== 'progress')
      throw new ProtocolError(`the server answered ${answer.kind} instead of its columns`);
    run.signal.throwIfAborted();
  }
}

async function sendAll(
  connection: NativeConnection,
  run: StatementRun,
  insert: InsertStatement,
  columns: readonly BlockColumn[],
): Promise<number> {
  // While rows are being sent the server may already say that it does not want them.
  const failure = Promise.withResolvers<never>();
  const ended = readToEnd(connection, run);
  ended.catch((err: unknown) => failure.reject(err as Error));
  failure.promise.catch(() => undefined);
  const send = (rows: readonly (readonly Value[])[]): Promise<void> =>
    Promise.race([connection.sendRows(columns, rows), failure.promise]).catch(async (err: unknown) => {
      // The server's own word says more than that it closed the connection.
      await ended;
      throw err;
    });
  let count = 0;
  let rows: (readonly Value[])[] = [];
  let chars = 0;
  for await (const cells of paced(inlineRows(run.text, insert, columns), run.signal)) {
    // The first reading has found no expression.
    const row = cells as readonly Value[];
    rows.push(row);
    count += 1;
    chars += row.reduce<number>((sum, value) => sum + size(value), 0);
    if (rows.length < MAX_ROWS && chars < MAX_CHARS) continue;
    await send(rows);
    run.progress({ rows: count, bytes: 0, totalRows: 0 });
    rows = [];
    chars = 0;
  }
  if (rows.length > 0) await send(rows);
  await Promise.race([connection.sendRows(), failure.promise]);
  await ended;
  return count;
}

function size(value: Value): number {
  if (typeof value === 'string') return value.length;
  return Array.isArray(value) ? (value as Value[]).reduce<number>((sum, item) => sum + size(item), 0) : 8;
}
