import type { Connection } from 'mysql2';

/** A row of the stand-in's answer. */
export interface AnswerRow {
  stage: 'RERUN' | 'CHECKED' | 'EXECUTED';
  errorLevel: 0 | 1 | 2;
  stageStatus: string;
  errorMessage: string | null;
  sql: string;
  affectedRows: number;
  sequence: string;
  backupDatabase: string | null;
  executeTime: string;
  backupTime: string;
}

/** A column of an answer as goInception describes it (facts §3.6). */
type ColumnType = readonly [name: string, type: number];

/** What the driver has beside its declared interface, for servers. */
interface ServerSide {
  sequenceId: number;
  writeColumns(columns: readonly object[]): void;
  writeTextRow(values: readonly (string | number | null)[]): void;
  writeEof(): void;
}

const AUDIT: readonly ColumnType[] = [
  ['order_id', 3],
  ['stage', 254],
  ['error_level', 2],
  ['stage_status', 254],
  ['error_message', 254],
  ['sql', 254],
  ['affected_rows', 8],
  ['sequence', 254],
  ['backup_dbname', 254],
  ['execute_time', 254],
  ['sqlsha1', 254],
  ['backup_time', 254],
  ['needMerge', 1],
];

const PROCESSES: readonly ColumnType[] = [
  ['Id', 8],
  ['Dest_User', 254],
  ['Dest_Host', 254],
  ['Dest_Port', 8],
  ['From_Host', 254],
  ['Command', 254],
  ['STATE', 254],
  ['Time', 8],
  ['Info', 254],
  ['Percent', 254],
];

export const newRow = (sql: string, number: number): AnswerRow => ({
  stage: 'CHECKED',
  errorLevel: 0,
  stageStatus: 'Audit Completed',
  errorMessage: null,
  sql,
  affectedRows: 0,
  sequence: `0_0_${sequenceNumber(number)}`,
  backupDatabase: null,
  executeTime: '0',
  backupTime: '0',
});

export const sequenceNumber = (number: number): string => String(number).padStart(8, '0');

/** 13 columns as of HEAD, or the 12 of v1.3.0. */
export function writeAudit(connection: Connection, rows: readonly AnswerRow[], columns: 12 | 13): void {
  const values = rows.map((row, index) => [
    index + 1,
    row.stage,
    row.errorLevel,
    row.stageStatus,
    row.errorMessage,
    row.sql,
    row.affectedRows,
    row.sequence,
    row.backupDatabase,
    row.executeTime,
    null,
    row.backupTime,
    0,
  ]);
  write(
    connection,
    AUDIT.slice(0, columns),
    values.map((row) => row.slice(0, columns)),
  );
}

export function writeProcesses(connection: Connection, rows: readonly (readonly (string | number)[])[]): void {
  write(connection, PROCESSES, rows);
}

export function writeOne(connection: Connection): void {
  write(connection, [['1', 8]], [[1]]);
}

function write(
  connection: Connection,
  columns: readonly ColumnType[],
  rows: readonly (readonly (string | number | null)[])[],
): void {
  const server = connection as unknown as ServerSide;
  server.writeColumns(
    columns.map(([name, columnType]) => ({
      ...{ catalog: 'def', schema: '', table: '', orgTable: '', name, orgName: '' },
      ...{ characterSet: 0, columnLength: 0, columnType, flags: 0, decimals: 31 },
    })),
  );
  for (const row of rows) server.writeTextRow(row);
  server.writeEof();
}
