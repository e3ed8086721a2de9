import { cutText } from '../../../output/utf8.ts';

/** What is told of one statement: the manual's entry of a result (§4.1). */
export interface OrderEntry {
  /** The statement's number; of several that are told of together, the first. */
  readonly orderId: number;
  /** The last of several. */
  readonly lastOrderId?: number;
  readonly stage: string;
  readonly status: string;
  readonly error?: string;
  readonly affectedRows?: number;
  readonly seconds?: number;
  readonly backupDatabase?: string;
  readonly rollback?: RollbackText;
  readonly sql?: string;
}

/** The SQL that undoes a statement, as far as a result shows it. */
export interface RollbackText {
  /** Empty: there is none, for the reason of `message`. */
  readonly sql: string;
  /** Whether it brings back every row as it was. */
  readonly exact: boolean;
  readonly message?: string;
}

/** How much of a statement its result shows, in bytes. */
const MAX_SHOWN_SQL = 1024;

/** As much of a statement as results and errors show. */
export const shownSql = (sql: string): string => cutText(sql, MAX_SHOWN_SQL);

/** The lines of the manual in the manual's order; those that are not set are left out. */
export function orderLines(entry: OrderEntry): string[] {
  const { orderId, lastOrderId, stage, status, error, affectedRows, seconds, backupDatabase, rollback, sql } = entry;
  return [
    lastOrderId === undefined ? `Order ID: ${orderId}` : `Order IDs: ${orderId}-${lastOrderId}`,
    `Stage: ${stage}`,
    `Status: ${status}`,
    ...(error === undefined ? [] : [`Error: ${error}`]),
    ...(affectedRows === undefined ? [] : [`Affected Rows: ${affectedRows}`]),
    ...(seconds === undefined ? [] : [`Execute Time: ${seconds.toFixed(3)}s`]),
    ...(backupDatabase === undefined ? [] : [`Backup DB: ${backupDatabase}`]),
    ...(rollback === undefined ? [] : [`Rollback SQL: ${rollbackLine(rollback)}`]),
    ...(sql === undefined ? [] : [`SQL: ${sql}`]),
  ];
}

/** The same for JSON, every field always there. */
export function orderFields(entry: OrderEntry): Readonly<Record<string, unknown>> {
  const { orderId, lastOrderId, stage, status, error, affectedRows, seconds, backupDatabase, rollback, sql } = entry;
  return {
    order_id: orderId,
    ...(lastOrderId === undefined ? {} : { last_order_id: lastOrderId }),
    stage,
    stage_status: status,
    error_message: error ?? null,
    affected_rows: affectedRows ?? 0,
    execute_time: seconds === undefined ? null : seconds.toFixed(3),
    backup_dbname: backupDatabase ?? null,
    rollback_sql: rollback === undefined || rollback.sql === '' ? null : rollback.sql,
    ...(rollback === undefined ? {} : { rollback_exact: rollback.sql !== '' && rollback.exact }),
    ...(rollback?.message === undefined ? {} : { rollback_message: rollback.message }),
    ...(sql === undefined ? {} : { sql }),
  };
}

function rollbackLine({ sql, exact, message }: RollbackText): string {
  if (sql === '') return `(none: ${message ?? 'nothing was changed'})`;
  return exact ? sql : `(not exact${message === undefined ? '' : `: ${message}`}) ${sql}`;
}
