import type { Target } from '../../../connections/target.ts';
import type { RollbackSink } from '../../executor.ts';
import type { RollbackText } from '../script/order-lines.ts';
import type { MysqlSession } from '../session/session.ts';
import type { TransactionObserver } from '../script/transaction-observer.ts';
import { BinlogAccess } from './binlog-access.ts';
import { BinlogBackup } from './binlog-backup.ts';
import { Patience } from './patience.ts';

export interface BackupOptions {
  /** The one in which the task's statements run. */
  readonly session: MysqlSession;
  readonly target: Target;
  /** `asked`: it must be possible, or nothing is to run. `default`: what is possible. */
  readonly wanted: 'asked' | 'default';
  readonly spoolFolder: string;
  /** Whose rollback it is, for the first line of the script: `task 4711`. */
  readonly title: string;
  /** How many statements may run at once; with more than one there is no order to undo them in. */
  readonly concurrency?: number;
  /** Aborts when nobody waits for the task any more. */
  readonly signal: AbortSignal;
}

/**
 * Writes down how to undo what a script changes, from the row images in the server's log.
 *
 * One of the script's observers, of one session only; `of` and `finish` are for the executor. `close` always comes last.
 */
export interface Backup extends TransactionObserver {
  /** What undoes a statement whose transaction was the last to be committed; undefined: there is nothing to tell of it. */
  of(number: number): RollbackText | undefined;
  /** Rows were changed that it does not have, for this reason. */
  lacks(why: string): void;
  /** Writes the whole script, the newest change first. To be called once, when no transaction is open any more. */
  finish(sink: RollbackSink): Promise<void>;
  close(): Promise<void>;
}

/**
 * A backup of what the script is about to change. When it was asked for it is made sure now that it is possible; else
 * before the first change, and where it is not every changed statement says why it has none.
 */
export async function openBackup(options: BackupOptions): Promise<Backup | { readonly impossible: string }> {
  const { session, target, wanted, concurrency = 1 } = options;
  const openAccess = async (patience: Patience): Promise<BinlogAccess | string> =>
    concurrency > 1
      ? `${concurrency} statements may run at once (exec_options.concurrency)`
      : BinlogAccess.open(session, target, patience);
  if (wanted === 'default') return new BinlogBackup(options, openAccess);
  const patience = new Patience(options.signal);
  const access = await openAccess(patience);
  patience.end();
  if (typeof access === 'string') return { impossible: access };
  return new BinlogBackup(options, () => Promise.resolve(access));
}
