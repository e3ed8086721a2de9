import type { RowHandler } from '../../../../executors/mysql/session/session.ts';
import type { MysqlSession } from '../../../../executors/mysql/session/session.ts';
import type { Row } from '../../../sync-event.ts';
import type { KeyValues, SnapshotTable } from './snapshot-table.ts';

/** What one query found. */
export interface ReadRows {
  readonly rows: readonly Row[];
  readonly keys: readonly string[];
  /** Of the last row. */
  readonly place: KeyValues | undefined;
  /** Whether there were more than fit into memory. */
  readonly cut: boolean;
  readonly bytes: number;
}

/** What a chunk may have in memory, about; the row that goes beyond is the last one of it. */
export const MAX_CHUNK_BYTES = 32 * 1024 * 1024;

/** Rejects as the session does. */
export async function readRows(session: MysqlSession, table: SnapshotTable, query: string): Promise<ReadRows> {
  const rows: Row[] = [];
  const keys: string[] = [];
  let bytes = 0;
  let last: readonly unknown[] | undefined;
  let cut = false;
  const readers = table.readers.map((read) => (buffer: Buffer, from: number, to: number): unknown => {
    bytes += to - from;
    return read(buffer, from, to);
  });
  const handler: RowHandler<unknown> = {
    readers,
    columns: () => undefined,
    row: (values) => {
      if (cut) return undefined;
      const row = table.rowOf(values);
      rows.push(row);
      keys.push(table.keyOf(row));
      last = values;
      if (bytes > MAX_CHUNK_BYTES) {
        cut = true;
        session.discard();
      }
      return undefined;
    },
  };
  await session.query(query, handler);
  return { rows, keys, place: last === undefined ? undefined : table.placeOf(last), cut, bytes };
}
