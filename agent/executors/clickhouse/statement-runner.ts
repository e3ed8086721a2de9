import type { Target } from '../../connections/target.ts';
import { ExecutionTimeout } from '../database/deadline.ts';
import type { ExecOptions } from '../database/exec-options.ts';
import { maskSecrets } from '../database/mask-secrets.ts';
import { failed } from '../executor.ts';
import type { ExecutionContext, Outcome } from '../executor.ts';
import { ResultWriter } from '../sql/result-writer.ts';
import type { RowSink } from '../sql/result-writer.ts';
import { SpoolError } from '../sql/row-spool.ts';
import { splitStatements } from '../sql/split-statements.ts';
import type { SqlStatement } from '../sql/split-statements.ts';
import { SqlSourceError } from '../sql/sql-source.ts';
import type { SqlSource } from '../sql/sql-source.ts';
import { SqlSyntaxError } from '../sql/sql-syntax-error.ts';
import { exceptionText } from './clickhouse-error.ts';
import { ConnectionError, ProtocolError, ServerException } from './native/native-error.ts';
import { ProgressLog } from './progress-log.ts';
import type { Session } from './session.ts';
import { StatementReport } from './statement-report.ts';

export interface StatementRunnerOptions {
  readonly context: ExecutionContext;
  readonly session: Session;
  readonly options: ExecOptions;
  /** The task's own, bounded by its deadline. */
  readonly signal: AbortSignal;
  readonly target: Target;
  readonly spoolFolder: string;
}

/** Executes the statements of one task in one session and writes what they give. */
export class StatementRunner {
  readonly #options: StatementRunnerOptions;
  readonly #writer: ResultWriter;
  readonly #report: StatementReport;
  readonly #log: ProgressLog;
  #executed = 0;

  constructor(options: StatementRunnerOptions) {
    const { context, spoolFolder } = options;
    this.#options = options;
    this.#writer = new ResultWriter(context.output, options.options.resultFormat, { separator: '\n\n', spoolFolder });
    this.#report = new StatementReport(this.#writer, (text) => this.#mask(text));
    this.#log = new ProgressLog(context.output);
  }

  /** Stops at the first statement that fails: there are no transactions that would take back the ones before it. */
  async run(source: SqlSource): Promise<Outcome> {
    const { context, session, target } = this.#options;
    const what = source.file ?? 'the command';
    await context.output.log('info', `Executing ${what} on ${target.label} by ${session.description}`);
    let outcome: Outcome | undefined;
    try {
      for await (const statement of splitStatements(source.pieces, 'clickhouse')) {
        outcome = await this.#statement(statement);
        if (outcome !== undefined) break;
        this.#executed += 1;
      }
    } catch (err) {
      if (!(err instanceof SqlSyntaxError || err instanceof SqlSourceError)) throw err;
      outcome = this.#sourceFailure(err);
    }
    if (outcome === undefined && this.#executed === 0)
      outcome = failed('InvalidParams', `there is no SQL statement in ${what}`);
    const done = outcome ?? { state: 'Succeeded', message: `${count(this.#executed)} executed` };
    this.#log.finish(this.#executed);
    await this.#report.end({
      success: done.state === 'Succeeded',
      executed: this.#executed,
      ...(done.state === 'Failed' ? { error: done.message } : {}),
    });
    return done;
  }

  /** Undefined when it went well. */
  async #statement({ number, text }: SqlStatement): Promise<Outcome | undefined> {
    const { context, session, options, signal } = this.#options;
    const queryId = `tiangong-${context.uid}-${context.epoch}-${number}`;
    context.evidence(`statement ${number}, query ${queryId} by ${session.description}`);
    const clock = this.#log.statement(number);
    let rows: RowSink | undefined;
    try {
      const { written } = await session.execute({
        ...{ text, queryId, signal, format: options.resultFormat },
        columns: (columns) => (rows = this.#writer.rows(columns)),
        row: (values) => rows?.add(values),
        progress: (progress) => clock.progress(progress),
        note: (level, message) => clock.note(level, this.#mask(message)),
      });
      const affected = rows === undefined ? written : rows.count;
      await this.#report.success(number, text, affected, rows);
      clock.succeeded(affected);
      return undefined;
    } catch (err) {
      const code = err instanceof ServerException ? err.code : undefined;
      const lines = await this.#report.failure(number, text, errorText(err, signal), code);
      this.#log.failed(lines);
      return failed(reasonOf(err, signal), `SQL execution failed: ${lines}${this.#undone()}`);
    }
  }

  #sourceFailure(err: SqlSyntaxError | SqlSourceError): Outcome {
    const hint = /is longer than \d+ characters/.test(err.message)
      ? '; an INSERT with so many rows must be split into several, each ended by a semicolon'
      : '';
    const reason = err instanceof SqlSourceError ? err.reason : 'InvalidSQL';
    return failed(reason, `SQL execution failed: ${this.#mask(err.message)}${hint}${this.#undone()}`);
  }

  #undone(): string {
    if (this.#executed === 0) return '';
    const was = this.#executed === 1 ? 'was executed and is' : 'were executed and are';
    return `\n${count(this.#executed)} before it ${was} not undone`;
  }

  #mask(text: string): string {
    return maskSecrets(text, this.#options.target.secrets);
  }
}

function errorText(err: unknown, signal: AbortSignal): string {
  if (signal.aborted) return (signal.reason as Error).message;
  if (err instanceof ServerException) return exceptionText(err);
  if (isLost(err)) return `connection lost: ${err.message}; whether the statement took effect is not known`;
  return err instanceof Error ? err.message : String(err);
}

function reasonOf(err: unknown, signal: AbortSignal): string {
  if (signal.aborted) return signal.reason instanceof ExecutionTimeout ? 'TimeoutExceeded' : 'Aborted';
  if (err instanceof SpoolError) return 'DiskFull';
  return isLost(err) ? 'ConnectionLost' : 'StatementFailed';
}

const isLost = (err: unknown): err is ConnectionError | ProtocolError =>
  err instanceof ConnectionError || err instanceof ProtocolError;

const count = (statements: number): string => `${statements} ${statements === 1 ? 'statement' : 'statements'}`;
