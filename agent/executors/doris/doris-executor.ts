import type { Connections } from '../../connections/connections.ts';
import { resolveTarget } from '../../connections/target.ts';
import { TaskFailure } from '../../task-failure.ts';
import { startDeadline } from '../database/deadline.ts';
import { tlsAttempts } from '../database/tls-attempts.ts';
import { failed } from '../executor.ts';
import type { ExecutionContext, Executor, Outcome } from '../executor.ts';
import { DirectRun } from '../mysql/direct-run.ts';
import { parseMysqlParams } from '../mysql/mysql-params.ts';
import type { MysqlParams } from '../mysql/mysql-params.ts';
import { reviewScript } from '../mysql/review/review-script.ts';
import { SessionLender } from '../mysql/session/session-lender.ts';
import { openSql } from '../sql/sql-source.ts';
import type { SqlSource } from '../sql/sql-source.ts';

export interface DorisExecutorOptions {
  readonly connections: Connections;
  /** Where rows wait on disk until their statement has ended. */
  readonly spoolFolder: string;
  /** As of `MysqlExecutorOptions`. */
  readonly graceMs?: number;
}

/** The manual's §4.6, note 1. */
const TIMEOUT_MS = 1_800_000;
/** With what follows, an abort is heeded within ten seconds. */
const GRACE_MS = 7000;

/** Executes SQL on Doris by MySQL's protocol: each statement for itself, since it has no transactions (manual §4.6). */
export class DorisExecutor implements Executor {
  readonly type = 'doris';
  readonly #options: DorisExecutorOptions;
  readonly #sessions = new SessionLender('doris');

  constructor(options: DorisExecutorOptions) {
    this.#options = options;
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }

  async execute(context: ExecutionContext): Promise<Outcome> {
    if (context.signal.aborted) return failed('NotStarted', 'the task was stopped before its work began');
    const params = parseMysqlParams(context.params, { timeoutMs: TIMEOUT_MS });
    if (typeof params === 'string') return failed('InvalidParams', params);
    const impossible = refusal(params);
    if (impossible !== undefined) return impossible;
    const { spoolFolder, connections, graceMs = GRACE_MS } = this.#options;
    const deadline = startDeadline(context.signal, params.timeoutMs);
    const { signal } = deadline;
    let source: SqlSource | undefined;
    try {
      const target = await resolveTarget(context, {
        type: 'doris',
        connections,
        defaults: { port: 9030, user: 'root', database: '' },
      });
      const tls = tlsAttempts(target);
      if (typeof tls === 'string') return failed('InvalidParams', tls);
      const opened = (source = await openSql(context));
      return await this.#sessions.use(target, signal, (session) => {
        const options = { context, target, params, source: opened, session, signal, spoolFolder, graceMs };
        return params.reviewOnly ? reviewScript(options) : new DirectRun(options).run();
      });
    } catch (err) {
      if (err instanceof TaskFailure) return failed(err.reason, err.message);
      throw err;
    } finally {
      deadline.end();
      source?.release();
    }
  }
}

function refusal({ backup, ledger, rollbackOf, transaction }: MysqlParams): Outcome | undefined {
  if (backup === 'asked') return failed('BackupNotPossible', 'backup is not possible: Doris keeps no binary log');
  if (ledger)
    return failed(
      'InvalidParams',
      'params.exec_options.ledger is not possible: Doris has no transactions to keep it in',
    );
  if (transaction)
    return failed('InvalidParams', 'params.exec_options.transaction is not possible: Doris has no transactions');
  if (rollbackOf !== undefined) return failed('InvalidParams', 'Doris has no rollback');
  return undefined;
}
