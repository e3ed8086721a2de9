import type { LedgerState } from './ledger-past.ts';

export const LEDGER_TABLE = 'tiangong.statement_ledger';

/** The run that a ledger is about. */
export interface LedgerRun {
  readonly uid: string;
  readonly epoch: number;
}

/** A row of the ledger. */
export interface LedgerEntry {
  /** Statements of the task's text, from 1; 0 for the row that says that there is a ledger. */
  readonly first: number;
  readonly last: number;
  readonly digest: string;
  readonly state: LedgerState;
  readonly affectedRows: number;
  /** What the object of a statement that commits by itself was before it, where that can be looked up. */
  readonly before?: string;
}

/** Rows older than this are of no use: no task runs as long. */
const KEPT_DAYS = 30;
const DELETED_AT_ONCE = 10_000;

/** Columns that every server knows; only names, numbers and digests go into them. */
export const LEDGER_COLUMNS = (timestamp: string): string =>
  [
    'task_uid varchar(64) NOT NULL',
    'epoch bigint NOT NULL',
    'statement_index bigint NOT NULL',
    'digest varchar(64) NOT NULL',
    'state varchar(16) NOT NULL',
    'first_statement bigint NOT NULL',
    'last_statement bigint NOT NULL',
    'affected_rows bigint NOT NULL',
    'before_state varchar(1024) NOT NULL',
    `recorded_at ${timestamp} NOT NULL`,
    'PRIMARY KEY (task_uid, epoch, statement_index)',
  ].join(', ');

/** The statements that keep a run's ledger. Times are the agent's, in UTC: a text may change those of its session. */
export class LedgerSql {
  readonly #where: string;
  readonly #values: string;

  constructor({ uid, epoch }: LedgerRun) {
    if (!/^[\w-]{1,64}$/.test(uid)) throw new Error(`${uid} is no uid of a task`);
    this.#where = `WHERE task_uid = '${uid}' AND epoch = ${epoch}`;
    this.#values = `'${uid}', ${epoch}`;
  }

  insert({ first, last, digest, state, affectedRows, before = '' }: LedgerEntry): string {
    const values = `${this.#values}, ${last}, '${digest}', '${state}', ${first}, ${last}, ${affectedRows}`;
    return `INSERT INTO ${LEDGER_TABLE} (task_uid, epoch, statement_index, digest, state, first_statement, last_statement, affected_rows, before_state, recorded_at) VALUES (${values}, '${before.replaceAll("'", '')}', '${utc(Date.now())}')`;
  }

  done(number: number, affectedRows: number): string {
    return `UPDATE ${LEDGER_TABLE} SET state = 'done', affected_rows = ${affectedRows} ${this.#where} AND statement_index = ${number}`;
  }

  remove(number: number): string {
    return `DELETE FROM ${LEDGER_TABLE} ${this.#where} AND statement_index = ${number}`;
  }

  /** Columns as `pastOf` reads them. */
  read(from = 0): string {
    return `SELECT first_statement, last_statement, state, digest, affected_rows, before_state FROM ${LEDGER_TABLE} ${this.#where} AND statement_index >= ${from} ORDER BY statement_index`;
  }

  /** Finds rows that no task needs any more; to be limited as the server's language has it. */
  static readonly old = (): string => `recorded_at < '${utc(Date.now() - KEPT_DAYS * 86_400_000)}'`;
  static readonly deletedAtOnce = DELETED_AT_ONCE;
}

const utc = (time: number): string => new Date(time).toISOString().replace('T', ' ').replace('Z', '');
