import type { RowSource } from '../../../../executors/mysql/backup/table-facts.ts';
import type { TableFilter } from '../table-filter.ts';

export interface ListedTable {
  readonly schema: string;
  readonly table: string;
  /** As the server estimates it. */
  readonly rows: number;
  /** Of a row, as the server estimates it. */
  readonly rowBytes: number;
}

const TABLES =
  "SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, TABLE_ROWS AS n, AVG_ROW_LENGTH AS bytes FROM information_schema.TABLES WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')";

/** The tables that are read, in the order in which a snapshot reads them. Rejects as the session does. */
export async function listTables(session: RowSource, filter: TableFilter): Promise<readonly ListedTable[]> {
  const rows = await session.rows(TABLES);
  return rows
    .map(({ s, t, n, bytes }) => ({
      schema: s ?? '',
      table: t ?? '',
      rows: Number(n ?? 0),
      rowBytes: Number(bytes ?? 0),
    }))
    .filter(({ schema, table }) => filter.has(schema, table))
    .sort(compareTables);
}

type Name = Pick<ListedTable, 'schema' | 'table'>;

/** Not by a collation of the server's or of a language: cursors are compared by it. */
export const compareTables = (a: Name, b: Name): number => compare(a.schema, b.schema) || compare(a.table, b.table);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
