import type { Target } from '../../connections/target.ts';
import { maskSecrets } from '../database/mask-secrets.ts';
import { failed } from '../executor.ts';
import type { ExecutionContext, Outcome } from '../executor.ts';
import { TransactionLedger } from '../postgres/transaction-ledger.ts';
import { ResultWriter } from '../sql/result-writer.ts';
import { splitStatements } from '../sql/split-statements.ts';
import type { SqlSource } from '../sql/sql-source.ts';
import { describeFailure } from './failure.ts';
import type { MysqlParams } from './mysql-params.ts';
import { ScriptRun } from './script-run.ts';
import type { MysqlSession } from './session.ts';
import { StatementReport } from './statement-report.ts';

export interface DirectRunOptions {
  readonly context: ExecutionContext;
  readonly target: Target;
  readonly params: MysqlParams;
  readonly source: SqlSource;
  readonly session: MysqlSession;
  /** Aborts with why the task is to end. */
  readonly signal: AbortSignal;
  readonly spoolFolder: string;
  readonly graceMs: number;
}

/** One task that is executed on its server directly. */
export class DirectRun {
  readonly #options: DirectRunOptions;
  readonly #fates = new TransactionLedger();
  readonly #report: StatementReport;

  constructor(options: DirectRunOptions) {
    this.#options = options;
    const { output } = options.context;
    const format = options.params.resultFormat;
    const writer = new ResultWriter(output, format, { separator: '\n\n', spoolFolder: options.spoolFolder });
    this.#report = new StatementReport({ writer, output, format, mask: this.#mask });
  }

  readonly #mask = (text: string): string => maskSecrets(text, this.#options.target.secrets);

  /** Rejects only on a bug. */
  async run(): Promise<Outcome> {
    const { context, target, params, source, session, signal, graceMs } = this.#options;
    await context.output.log(
      'info',
      `Executing ${source.file ?? 'the command'} on ${target.label}${session.encrypted ? ' by TLS' : ''}, connection ${session.threadId}`,
    );
    const run = new ScriptRun({
      session,
      report: this.#report,
      fates: this.#fates,
      batchSize: params.transaction ? Infinity : params.transBatchSize,
      sleepMs: params.sleepMs,
      signal,
      graceMs,
      evidence: (text) => context.evidence(text),
      hasTransactions: session.flavour !== 'doris',
    });
    let outcome: Outcome;
    try {
      await run.run(splitStatements(source.pieces, 'mysql'));
      outcome =
        this.#report.executed === 0
          ? failed('InvalidParams', `there is no SQL statement in ${source.file ?? 'the command'}`)
          : { state: 'Succeeded', message: this.#report.summary() };
    } catch (err) {
      outcome = await this.#failure(err, run.notRolledBack);
    }
    await this.#report.end({
      success: outcome.state === 'Succeeded',
      committed: this.#fates.ranges('committed'),
      rolled_back: this.#fates.ranges('rolledBack'),
      unknown: this.#fates.ranges('unknown'),
    });
    return outcome;
  }

  async #failure(err: unknown, notRolledBack: string | undefined): Promise<Outcome> {
    const failure = describeFailure(err, { fates: this.#fates, mask: this.#mask, notRolledBack });
    if (failure === undefined) throw err;
    await this.#report.failure(failure.entry, failure.lines);
    const message = `SQL execution failed: ${failure.lines.join('\n')}`;
    return failure.isUnknown ? { state: 'Unknown', reason: failure.reason, message } : failed(failure.reason, message);
  }
}
