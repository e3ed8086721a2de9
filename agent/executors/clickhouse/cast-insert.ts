import type { BlockColumn } from './native/block.ts';
import { castOf } from './native/codecs/codec.ts';
import type { NativeConnection } from './native/connection.ts';
import { readToEnd } from './native-answers.ts';
import type { StatementRun } from './session.ts';
import { Expression, inlineRows } from './statement/inline-rows.ts';
import type { InsertStatement } from './statement/insert-statement.ts';

/** Below what servers take as a query (`max_query_size`, 256 KiB), and far from what they take as its depth. */
const MAX_BATCH_CHARS = 64 * 1024;
const MAX_BATCH_ROWS = 100;

/**
 * Executes an INSERT … VALUES with expressions as INSERT … SELECT CAST(…), so that the server evaluates them. Many rows
 * go as several queries, one after the other. Resolves with the number of rows.
 */
export async function castInserts(
  connection: NativeConnection,
  run: StatementRun,
  insert: InsertStatement,
  columns: readonly BlockColumn[],
): Promise<number> {
  let count = 0;
  let queries = 0;
  let batch: string[] = [];
  let chars = 0;
  const send = async (): Promise<void> => {
    if (batch.length === 0) return;
    run.signal.throwIfAborted();
    queries += 1;
    await connection.query(`${run.queryId}-${queries}`, `${insert.head}\n${batch.join(' UNION ALL ')}`);
    await readToEnd(connection, run);
    run.signal.throwIfAborted();
    count += batch.length;
    batch = [];
    chars = 0;
  };
  for (const row of inlineRows(run.text, insert, columns)) {
    const values = columns.map(({ codec }, i) => {
      const cell = row[i] ?? null;
      return cell instanceof Expression ? `CAST(${cell.source} AS ${codec.type})` : castOf(codec, cell);
    });
    const select = `SELECT ${values.join(', ')}`;
    if (batch.length >= MAX_BATCH_ROWS || chars + select.length > MAX_BATCH_CHARS) await send();
    batch.push(select);
    chars += select.length;
  }
  await send();
  return count;
}
