import type { Connection } from 'mysql2/promise';
import { quoteName } from '../../session/session.ts';

/** The rows of a table, by their key, each value as a literal. */
export interface TableImage {
  readonly table: string;
  readonly columns: readonly string[];
  readonly keyColumns: readonly string[];
  readonly rows: ReadonlyMap<string, readonly string[]>;
}

const NUMBERS = ['TINY', 'SHORT', 'LONG', 'INT24', 'LONGLONG', 'NEWDECIMAL', 'DECIMAL', 'FLOAT', 'DOUBLE', 'YEAR'];
const NAME = '(?:`[^`]+`|[\\w$]+)(?:\\s*\\.\\s*(?:`[^`]+`|[\\w$]+))?';
const TABLE = new RegExp(
  `^(?:insert\\s+(?:ignore\\s+)?(?:into\\s+)?|replace\\s+(?:into\\s+)?|update\\s+|delete\\s+from\\s+)(${NAME})`,
  'i',
);

/** The table that a statement changes, in backticks with its database. */
export function changedTable(statement: string, database: string): { schema: string; table: string } | undefined {
  const code = statement
    .replaceAll(/\/\*[\s\S]*?\*\//g, ' ')
    .replace(/^(?:\s*(?:--\s|#)[^\n]*\n)+/, '')
    .trim();
  const names = TABLE.exec(code)?.[1]
    ?.match(/`[^`]+`|[\w$]+/g)
    ?.map((name) => name.replaceAll('`', ''));
  if (names === undefined) return undefined;
  const [first = '', second] = names;
  return second === undefined ? { schema: database, table: first } : { schema: first, table: second };
}

export async function takeImage(connection: Connection, schema: string, table: string): Promise<TableImage> {
  const name = `${quoteName(schema)}.${quoteName(table)}`;
  const [keys] = await connection.query<never[]>({
    sql: `SHOW KEYS FROM ${name} WHERE Key_name = 'PRIMARY'`,
    rowsAsArray: false,
  });
  const keyColumns = (keys as readonly { Column_name: string }[]).map(({ Column_name: column }) => column);
  const [rows, fields] = await connection.query<string[][] & never[]>({
    sql: `SELECT * FROM ${name}`,
    rowsAsArray: true,
    typeCast: (field) => {
      const bytes = field.buffer();
      if (bytes === null) return 'NULL';
      if (NUMBERS.includes(field.type)) return bytes.toString();
      return `'${bytes.toString().replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
    },
  });
  const columns = fields.map((field) => field.name);
  const seen = new Map<string, number>();
  const byKey = (rows as readonly string[][]).map((row) => {
    const key = (keyColumns.length === 0 ? columns : keyColumns)
      .map((column) => row[columns.indexOf(column)])
      .join(',');
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return [`${key}#${count}`, row] as const;
  });
  return { table: name, columns, keyColumns, rows: new Map(byKey) };
}

/** What goInception writes to undo the change from one image to the other. */
export function undo(before: TableImage, after: TableImage): string[] {
  const { table, columns, keyColumns } = before;
  const where = (row: readonly string[]): string =>
    columns
      .flatMap((column, index) =>
        keyColumns.length > 0 && !keyColumns.includes(column) ? [] : [equal(column, row[index] ?? 'NULL', ' IS ')],
      )
      .join(' AND ');
  const statements: string[] = [];
  for (const [key, row] of after.rows) {
    const old = before.rows.get(key);
    if (old === undefined) statements.push(`DELETE FROM ${table} WHERE ${where(row)};`);
    else if (old.join('\0') !== row.join('\0')) {
      const set = columns.map((column, index) => equal(column, old[index] ?? 'NULL', '='));
      statements.push(`UPDATE ${table} SET ${set.join(', ')} WHERE ${where(row)};`);
    }
  }
  for (const [key, row] of before.rows)
    if (!after.rows.has(key))
      statements.push(`INSERT INTO ${table}(${columns.map(quoteName).join(',')}) VALUES(${row.join(',')});`);
  return statements;
}

const equal = (column: string, literal: string, forNull: string): string =>
  `${quoteName(column)}${literal === 'NULL' ? forNull : '='}${literal}`;
