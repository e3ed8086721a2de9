import { STATUS } from './answer-packets.ts';
import type { StatementEnd } from './query-command.ts';

/** What the server said of a statement that it has executed. */
export interface StatementOutcome {
  /** Rows that were really changed; 0 of a statement that only reads. */
  readonly affectedRows: number;
  /** Rows that it gave; undefined: it is none that gives rows. */
  readonly rows: number | undefined;
  /** `Rows matched: 3  Changed: 1  Warnings: 0`, or empty. */
  readonly info: string;
  readonly warnings: number;
  /** GTIDs of what it committed, as MySQL tells them when gtid_mode is on. MariaDB has `@@last_gtid`. */
  readonly gtids: string | undefined;
  /** Whether a transaction is open after it. */
  readonly inTransaction: boolean;
}

export const toOutcome = ({ affectedRows, rows, info, warnings, gtids, status }: StatementEnd): StatementOutcome => ({
  affectedRows,
  rows,
  info,
  warnings,
  gtids,
  inTransaction: (status & STATUS.inTransaction) !== 0,
});
