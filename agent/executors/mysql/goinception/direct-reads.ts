import type { Target } from '../../../connections/target.ts';
import { abortable } from '../../database/deadline.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import { networkText } from '../failure.ts';
import { runStatement } from '../session/run-statement.ts';
import { MysqlSession, quoteName } from '../session/session.ts';
import { StatementFailed } from '../script/statement-error.ts';
import { SUCCESS } from '../script/statement-report.ts';
import type { StatementReport } from '../script/statement-report.ts';

export interface DirectReadsOptions {
  readonly target: Target;
  readonly report: StatementReport;
  readonly signal: AbortSignal;
  /** How long the server may take to end what it was asked to stop. */
  readonly graceMs: number;
}

/** The database's connection cannot be had. */
export class ConnectFailed extends Error {
  override readonly name = 'ConnectFailed';
}

/** Asks the database itself what goInception refuses to: statements that only read. One connection, opened when needed. */
export class DirectReads {
  readonly #options: DirectReadsOptions;
  #session: MysqlSession | undefined;
  #database: string | undefined;

  constructor(options: DirectReadsOptions) {
    this.#options = options;
  }

  /** Rejects with `ConnectFailed`, or with the signal's reason. */
  async session(): Promise<MysqlSession> {
    const { target, signal } = this.#options;
    if (this.#session === undefined || this.#session.broken !== undefined) {
      const connecting = MysqlSession.connect(target);
      this.#session = await abortable(connecting, signal).catch((err: unknown) => {
        connecting.then((late) => late.destroy()).catch(() => undefined);
        throw signal.aborted ? err : new ConnectFailed(`${target.label}: ${networkText(err)}`, { cause: err });
      });
      this.#database = target.database;
    }
    return this.#session;
  }

  /** Executes one statement in `database` and reports it. Rejects with `StatementFailed`, or as `session`. */
  async read(statement: SqlStatement, database: string): Promise<void> {
    const { signal, report, graceMs } = this.#options;
    const session = await this.session();
    const since = performance.now();
    const { handler, sinks } = report.rows();
    try {
      if (database !== this.#database) {
        await runStatement(session, `USE ${quoteName(database)}`, { signal, graceMs });
        this.#database = database;
      }
      const outcome = await runStatement(session, statement.text, { signal, graceMs, handler });
      const seconds = (performance.now() - since) / 1000;
      const { executed, logged } = report.executedNow(statement, outcome, { seconds, sinks });
      await logged;
      await report.settled(executed, SUCCESS);
    } catch (err) {
      throw new StatementFailed(statement, err);
    }
  }

  async end(): Promise<void> {
    await this.#session?.end();
  }
}
