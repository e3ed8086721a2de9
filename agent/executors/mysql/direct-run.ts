import type { Target } from '../../connections/target.ts';
import { maskSecrets } from '../database/mask-secrets.ts';
import { TaskFailure } from '../../task-failure.ts';
import { failed } from '../executor.ts';
import type { ExecutionContext, Outcome } from '../executor.ts';
import { checkLedgerIsThere, NOTHING_TOLD } from '../ledger/resumption.ts';
import { TransactionLedger } from '../sql/transaction-ledger.ts';
import { ResultWriter } from '../sql/result-writer.ts';
import { splitStatements } from '../sql/split-statements.ts';
import type { SqlStatement } from '../sql/split-statements.ts';
import type { SqlSource } from '../sql/sql-source.ts';
import { openBackup } from './backup/open-backup.ts';
import type { Backup } from './backup/open-backup.ts';
import { ROLLBACK_BATCH, RollbackRun } from './backup/rollback-run.ts';
import { ConcurrentStatements } from './script/concurrent-statements.ts';
import { describeFailure, networkText } from './failure.ts';
import { lookAhead } from './script/look-ahead.ts';
import type { MysqlParams } from './mysql-params.ts';
import { RunReview } from './review/run-review.ts';
import { MysqlLedger } from './ledger/mysql-ledger.ts';
import { ScriptRun } from './script/script-run.ts';
import type { ScriptRunOptions } from './script/script-run.ts';
import { MysqlSession } from './session/session.ts';
import { statementKind } from './text/statement-kind.ts';
import type { StatementKind } from './text/statement-kind.ts';
import { StatementReport } from './script/statement-report.ts';

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
  /** Told when it is known what an earlier process did. */
  readonly onLedgerRead?: () => void;
}

/** What may change rows. */
const CHANGES: readonly StatementKind[] = ['dml', 'call'];

/** One task that is executed on its server directly. */
export class DirectRun {
  readonly #options: DirectRunOptions;
  readonly #fates = new TransactionLedger();
  readonly #report: StatementReport;

  constructor(options: DirectRunOptions) {
    this.#options = options;
    const { output } = options.context;
    const format = options.params.resultFormat;
    const writer = new ResultWriter(output, format, {
      ...{ separator: '\n\n', spoolFolder: options.spoolFolder, entries: output.kept?.entries ?? 0 },
    });
    this.#report = new StatementReport({ writer, output, format, mask: this.#mask });
  }

  readonly #mask = (text: string): string => maskSecrets(text, this.#options.target.secrets);

  /** Rejects with `TaskFailure` when it cannot begin, else only on a bug. */
  async run(): Promise<Outcome> {
    const { context, target, source, session } = this.#options;
    const looked = await lookAhead(splitStatements(source.pieces, 'mysql', session), ({ text }) =>
      CHANGES.includes(statementKind(text, session.serverVersion)),
    );
    const backup = await this.#openBackup(looked.found);
    let ledger: MysqlLedger | undefined;
    try {
      await context.output.log(
        'info',
        `Executing ${source.file ?? 'the command'} on ${target.label}${session.encrypted ? ' by TLS' : ''}, connection ${session.threadId}`,
      );
      ledger = await this.#openLedger();
      return await this.#execute(looked.statements, backup, ledger);
    } finally {
      await ledger?.close();
      await backup?.close();
    }
  }

  async #execute(
    statements: AsyncIterable<SqlStatement>,
    backup: Backup | undefined,
    ledger: MysqlLedger | undefined,
  ): Promise<Outcome> {
    const { context, params, source, session, signal, graceMs } = this.#options;
    const rollback = this.#rollback;
    const review = rollback === undefined ? this.#review() : undefined;
    const onStatement = async (statement: SqlStatement, kind: StatementKind): Promise<void> => {
      await review?.before(statement, kind);
      await ledger?.beforeStatement(statement, kind);
    };
    const run = new ScriptRun({
      session,
      report: this.#report,
      fates: this.#fates,
      batchSize: rollback !== undefined ? ROLLBACK_BATCH : params.transaction ? Infinity : params.transBatchSize,
      sleepMs: params.sleepMs,
      signal,
      graceMs,
      evidence: (text) => context.evidence(text),
      hasTransactions: session.flavour !== 'doris',
      observers: [...(backup === undefined ? [] : [backup]), ...(ledger === undefined ? [] : [ledger])],
      rollbackOf: (number) => backup?.of(number),
      // What a backup must know of a table is read while the transaction's locks hold it.
      alwaysOpens: backup !== undefined || rollback !== undefined || ledger !== undefined,
      onStatement,
      ...(ledger && {
        onSettled: (through: number, committed: boolean) => this.#report.checkpoint(through, committed),
      }),
      ...(rollback && { onExecuted: (...executed) => rollback.executed(...executed) }),
    });
    const concurrent = this.#concurrent(onStatement);
    let outcome: Outcome;
    try {
      if (ledger?.past.begun === true) {
        this.#fates.before(ledger.past.committed);
        await this.#report.before(ledger.past);
      }
      const left = ledger?.left(statements) ?? statements;
      const wanted = rollback === undefined ? left : rollback.statements(left);
      await run.run(concurrent?.barriers(wanted, () => run.isIdle) ?? wanted);
      outcome =
        this.#report.executed === 0
          ? failed('InvalidParams', `there is no SQL statement in ${source.file ?? 'the command'}`)
          : { state: 'Succeeded', message: this.#report.summary() };
    } catch (err) {
      outcome = await this.#failure(rollback === undefined ? err : rollback.explain(err), run.notRolledBack);
    } finally {
      await review?.end();
    }
    const prepared = this.#fates.ranges('prepared');
    await this.#report.end({
      success: outcome.state === 'Succeeded',
      committed: this.#fates.ranges('committed'),
      rolled_back: this.#fates.ranges('rolledBack'),
      ...(prepared.length === 0 ? {} : { prepared }),
      unknown: this.#fates.ranges('unknown'),
    });
    if (run.notRolledBack !== undefined)
      backup?.lacks(`not everything that failed could be rolled back: ${this.#mask(run.notRolledBack)}`);
    if (concurrent?.hasChanged === true) backup?.lacks(this.#sideBySide);
    await backup?.finish(context.rollback);
    return outcome;
  }

  /** Why there is no backup where there is no order. */
  get #sideBySide(): string {
    return `${this.#options.params.concurrency} statements may run at once (exec_options.concurrency)`;
  }

  /** Undefined: statements run one after the other. */
  #concurrent(onStatement: ScriptRunOptions['onStatement']): ConcurrentStatements | undefined {
    const { context, params, session, signal, graceMs, target } = this.#options;
    const { concurrency: count, backup, transBatchSize, transaction } = params;
    if (count === 1 || transaction) return undefined;
    const warn = (message: string): Promise<void> | undefined => context.output.log('warn', this.#mask(message));
    const hasTransactions = session.flavour !== 'doris';
    return new ConcurrentStatements({
      session,
      connect: () => MysqlSession.connect(target, { flavour: session.flavour, connectTimeoutMs: 5000 }),
      count,
      report: this.#report,
      fates: this.#fates,
      batchSize: hasTransactions ? transBatchSize : 1,
      sleepMs: params.sleepMs,
      signal,
      graceMs,
      evidence: (text) => context.evidence(text),
      noRollback: backup === 'off' || !hasTransactions ? undefined : this.#sideBySide,
      onRefused: (err) => void warn(`fewer than ${count} connections could be opened: ${networkText(err)}`),
      onStatement,
      onEnd: warn,
    });
  }

  async #openLedger(): Promise<MysqlLedger | undefined> {
    const { context, target, params, session, signal, onLedgerRead } = this.#options;
    const { resumed, resumption, output } = context;
    if (!resumed && !params.ledger) return undefined;
    const told = output.kept ?? NOTHING_TOLD;
    const { transaction: whole } = params;
    const options = {
      run: context,
      resumed,
      lookOnly: resumption?.lookOnly,
      signal,
      whole,
      told,
      onFound: this.#found,
    };
    const ledger = await MysqlLedger.open(session, options).catch((err: unknown) => {
      if (err instanceof TaskFailure) throw err;
      const why = signal.aborted ? (signal.reason as Error).message : networkText(err);
      throw new TaskFailure('LedgerNotPossible', `ledger is not possible: ${this.#mask(why)}`);
    });
    try {
      checkLedgerIsThere(context, ledger.past, target.label);
    } catch (err) {
      await ledger.close();
      throw err;
    }
    onLedgerRead?.();
    return ledger;
  }

  readonly #found = async (number: number): Promise<void> => {
    this.#fates.before([{ first: number, last: number }]);
    await this.#report.found(number);
  };

  #review(): RunReview {
    const { context, session, target, signal, graceMs } = this.#options;
    const connect = (): Promise<MysqlSession> =>
      MysqlSession.connect(target, { flavour: session.flavour, connectTimeoutMs: 3000 });
    return new RunReview({ connect, output: context.output, mask: this.#mask, signal, graceMs });
  }

  /** Undefined: the task is none that rolls another one back. */
  get #rollback(): RollbackRun | undefined {
    const { context, params } = this.#options;
    if (params.rollbackOf === undefined) return undefined;
    return new RollbackRun({
      force: params.force,
      warn: (message) => context.output.log('warn', this.#mask(message)),
    });
  }

  /** `changes`: whether the text changes rows; undefined: not in its first part. */
  async #openBackup(changes: boolean | undefined): Promise<Backup | undefined> {
    const { context, target, params, session, signal, spoolFolder } = this.#options;
    if (params.backup === 'off' || session.flavour === 'doris') return undefined;
    const wanted = changes === false ? 'default' : params.backup;
    const { concurrency } = params;
    const title = `task ${context.name}`;
    const opened = await openBackup({ session, target, wanted, spoolFolder, title, concurrency, signal });
    if ('impossible' in opened)
      throw new TaskFailure('BackupNotPossible', `backup is not possible: ${opened.impossible}`);
    return opened;
  }

  async #failure(err: unknown, notRolledBack: string | undefined): Promise<Outcome> {
    const failure = describeFailure(err, { fates: this.#fates, mask: this.#mask, notRolledBack });
    if (failure === undefined) throw err;
    await this.#report.failure(failure.entry, failure.lines);
    const message = `SQL execution failed: ${failure.lines.join('\n')}`;
    return failure.isUnknown ? { state: 'Unknown', reason: failure.reason, message } : failed(failure.reason, message);
  }
}
