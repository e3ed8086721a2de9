import type { Connections } from '../../connections/connections.ts';
import { resolveTarget } from '../../connections/target.ts';
import { TaskFailure } from '../../task-failure.ts';
import { startDeadline } from '../database/deadline.ts';
import { tlsAttempts } from '../database/tls-attempts.ts';
import { failed } from '../executor.ts';
import type { ExecutionContext, Executor, Outcome } from '../executor.ts';
import { acquireToResume, ledgerAsked, resumedOutcome } from '../ledger/resumption.ts';
import { openSql } from '../sql/sql-source.ts';
import type { SqlSource } from '../sql/sql-source.ts';
import { DirectRun } from './direct-run.ts';
import { runGoInception } from './goinception/goinception-run.ts';
import type { GoInceptionSettings } from './goinception/goinception-settings.ts';
import { parseMysqlParams } from './mysql-params.ts';
import { reviewScript } from './review/review-script.ts';
import { SessionLender } from './session/session-lender.ts';

export interface MysqlExecutorOptions {
  readonly connections: Connections;
  /** Where rows and rollback SQL wait on disk until their statement has ended. */
  readonly spoolFolder: string;
  /** What tasks go through, when it is there. */
  readonly goInception?: GoInceptionSettings;
  /** How long a server may take to end what it was asked to stop, before its connection is ended. */
  readonly graceMs?: number;
}

/** With what follows, an abort is heeded within ten seconds; with a server that is silent about a COMMIT, in fourteen. */
const GRACE_MS = 7000;

/** Executes SQL on MySQL and MariaDB (manual §4.1). */
export class MysqlExecutor implements Executor {
  readonly type = 'mysql';
  readonly #options: MysqlExecutorOptions;
  readonly #sessions = new SessionLender();

  constructor(options: MysqlExecutorOptions) {
    this.#options = options;
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }

  resumes(params: Readonly<Record<string, unknown>>): boolean {
    const { goInception, connections } = this.#options;
    const isDirect = goInception === undefined || typeof params['rollback_of'] === 'string';
    return isDirect && params['review'] !== 'only' && ledgerAsked(params, connections);
  }

  execute(context: ExecutionContext): Promise<Outcome> {
    return resumedOutcome(context, (onLedgerRead) => this.#execute(context, onLedgerRead));
  }

  async #execute(context: ExecutionContext, onLedgerRead: () => void): Promise<Outcome> {
    if (context.signal.aborted) return failed('NotStarted', 'the task was stopped before its work began');
    const checked = parseMysqlParams(context.params);
    if (typeof checked === 'string') return failed('InvalidParams', checked);
    const { spoolFolder, connections, graceMs = GRACE_MS } = this.#options;
    const deadline = startDeadline(context.signal, checked.timeoutMs);
    const { signal } = deadline;
    let source: SqlSource | undefined;
    try {
      const target = await resolveTarget(context, {
        type: 'mysql',
        connections,
        defaults: { port: 3306, user: 'root', database: 'mysql' },
      });
      const tls = tlsAttempts(target);
      if (typeof tls === 'string') return failed('InvalidParams', tls);
      const params = parseMysqlParams(context.params, { ledger: target.ledger });
      if (typeof params === 'string') return failed('InvalidParams', params);
      const opened = (source = await openSql(context));
      const { goInception: settings } = this.#options;
      // A rollback's statements are its own, and a review asks the database.
      if (settings !== undefined && params.rollbackOf === undefined && !params.reviewOnly)
        return await runGoInception({
          context,
          target,
          params,
          settings,
          source: opened,
          signal,
          spoolFolder,
          graceMs,
        });
      return await this.#sessions.use(
        target,
        signal,
        (session) => {
          const options = {
            context,
            target,
            params,
            source: opened,
            session,
            signal,
            spoolFolder,
            graceMs,
            onLedgerRead,
          };
          return params.reviewOnly ? reviewScript(options) : new DirectRun(options).run();
        },
        (attempt) => acquireToResume(context, attempt),
      );
    } catch (err) {
      if (err instanceof TaskFailure) return failed(err.reason, err.message);
      throw err;
    } finally {
      deadline.end();
      source?.release();
    }
  }
}
