/** A row of goInception's answer, of those columns that matter (facts §3.2); `needMerge` is not in every version. */
export interface InceptionRow {
  readonly orderId: number;
  /** RERUN, CHECKED, EXECUTED, BACKUP. */
  readonly stage: string;
  /** 0, 1 (warning) or 2 (error). */
  readonly errorLevel: number;
  /** Its lines joined by a comma. */
  readonly status: string;
  readonly error: string | undefined;
  readonly sql: string;
  readonly affectedRows: number;
  /** Names the statement in the backup server. */
  readonly sequence: string;
  readonly backupDatabase: string | undefined;
  /** Seconds, as text. */
  readonly executeTime: string;
}

/** What became of a statement. */
export type RowFate =
  | 'executed'
  /** It failed on the server, or was rolled back with the transaction of one that did. */
  | 'failed'
  /** The audit found an error, so that nothing of the text was executed. */
  | 'refused'
  | 'notRun';

const REQUIRED = ['order_id', 'stage', 'error_level', 'stage_status', 'error_message', 'sql', 'affected_rows'] as const;

/** Reads a row by the names of its columns. Throws when they are not those of an audit's answer. */
export function toInceptionRow(values: Readonly<Record<string, string | null>>): InceptionRow {
  const missing = REQUIRED.find((name) => values[name] === undefined);
  if (missing !== undefined) throw new Error(`this is no answer of goInception: there is no column ${missing} in it`);
  const text = (name: string): string => values[name] ?? '';
  return {
    orderId: Number(text('order_id')),
    stage: text('stage'),
    errorLevel: Number(text('error_level')),
    status: text('stage_status').split('\n').join(', '),
    error: orNone(text('error_message')),
    sql: text('sql'),
    affectedRows: Number(text('affected_rows')),
    sequence: text('sequence'),
    backupDatabase: orNone(text('backup_dbname')),
    executeTime: text('execute_time'),
  };
}

/**
 * The stage counts, not the level alone: after a warning that is not ignored nothing has run, while of a statement that
 * succeeded a warning may be left, or the error that it was the last before a kill.
 */
export function rowFate({ stage, errorLevel, status }: InceptionRow): RowFate {
  if (stage === 'EXECUTED' || stage === 'BACKUP')
    return status.startsWith('Execute Successfully') ? 'executed' : 'failed';
  return errorLevel >= 2 ? 'refused' : 'notRun';
}

/** Whether the run was ended by `kill` after this statement. */
export const isKilled = ({ error }: InceptionRow): boolean => error?.includes('Operation has been killed') === true;

/** Whether the backup server has its rollback SQL. */
export const isBackedUp = ({ status }: InceptionRow): boolean => status.includes('Backup Successfully');

export const isBackupFailed = ({ status }: InceptionRow): boolean => status.includes('Backup failed');

/** What it says when it cannot back up at all; then nothing was executed. */
const NO_BACKUP = [/^Invalid remote backup information/m, /binlog日志未开启/, /暂不支持备份功能/];

export const isBackupRefusal = ({ error = '' }: InceptionRow): boolean => NO_BACKUP.some((said) => said.test(error));

const orNone = (text: string): string | undefined => (text === '' ? undefined : text);
