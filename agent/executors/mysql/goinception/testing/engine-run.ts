import type { AnswerRow } from './answer-rows.ts';
import type { StoreLogin } from './backup-store.ts';

/** What the tests ask of the stand-in that a real server does only with another configuration, or when it breaks. */
export interface Behaviour {
  /** goInception's backup server; without it `backup=1` is refused. */
  readonly backup?: StoreLogin;
  /** `check_dml_where`: UPDATE and DELETE without WHERE are warned of. */
  readonly warnsOfNoWhere?: boolean;
  readonly columns?: 12 | 13;
  /** Backups that fail, by the number of the statement from 0. */
  readonly backupFails?: (index: number) => boolean;
  /** It commits everything, and never answers: on MariaDB so with `trans` and `backup`. */
  readonly hangsInBackup?: boolean;
  /** It breaks the client's connection before this statement, from 0, and goes on. */
  readonly dropsClientAt?: number;
}

/** How far a text is, and whether it is to go on. */
export interface Progress {
  state: 'CHECKING' | 'EXECUTING' | 'BACKUP';
  command: '' | 'CHECK' | 'EXECUTE';
  destination: { readonly user: string; readonly host: string; readonly port: number } | undefined;
  done: number;
  total: number;
  info: string;
  isKilled: () => boolean;
  dropClient: () => void;
}

/** Marks a row's failure; goInception ends its messages with a full stop. */
export function refuse(row: AnswerRow, message: string): void {
  row.errorLevel = 2;
  row.errorMessage = row.errorMessage === null ? message : `${row.errorMessage}\n${message}`;
}

export function warn(row: AnswerRow, message: string): void {
  if (row.errorLevel === 0) row.errorLevel = 1;
  row.errorMessage = row.errorMessage === null ? message : `${row.errorMessage}\n${message}`;
}
