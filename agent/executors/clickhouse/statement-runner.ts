import type { Target } from '../../connections/target.ts';
import { cutText } from '../../output/utf8.ts';
import { ExecutionTimeout } from '../database/deadline.ts';
import type { ExecOptions } from '../database/exec-options.ts';
import { maskSecrets } from '../database/mask-secrets.ts';
import { failed } from '../executor.ts';
import type { ExecutionContext, Outcome } from '../executor.ts';
import { ResultWriter } from '../sql/result-writer.ts';
import type { RowSink } from '../sql/result-writer.ts';
import { splitStatements } from '../sql/split-statements.ts';
import type { SqlStatement } from '../sql/split-statements.ts';
import { SqlSourceError } from '../sql/sql-source.ts';
import { SqlSyntaxError } from '../sql/sql-syntax-error.ts';
import { exceptionText } from './clickhouse-error.ts';
import { ConnectionError, ProtocolError, ServerException } from './native/native-error.ts';
import { ProgressLog } from './progress-log.ts';
import type { Session, StatementEnd } from './session.ts';

export interface StatementRunnerOptions {
  readonly context: ExecutionContext;
  readonly session: Session;
  readonly options: ExecOptions;
  /** The task's own, bounded by its deadline. */
  readonly signal: AbortSignal;
  readonly target: Target;
  readonly spoolFolder: string;
}

const SHOWN_SQL_BYTES = 1024;
const SHOWN_ERROR_BYTES = 16 * 1024;

/** Executes the statements of one task in one session and writes what they give. */
export class StatementRunner {
  readonly #options: StatementRunnerOptions;
  readonly #writer: ResultWriter;
  readonly #log: ProgressLog;
  #executed = 0;

  constructor(options: StatementRunnerOptions) {
    const { context, spoolFolder } = options;
    this.#options = options;
    this.#writer = new ResultWriter(context.output, options.options.resultFormat, { separator: '\n\n', spoolFolder });
    this.#log = new ProgressLog(context.output);
  }

  async run(pieces: AsyncIterable<string>): Promise<Outcome> {
    let outcome: Outcome | undefined;
    try {
      for await (const statement of splitStatements(pieces, 'clickhouse')) {
        outcome = await this.#statement(statement);
        if (outcome !== undefined) break;
        this.#executed += 1;
      }
    } catch (err) {
      if (!(err instanceof SqlSyntaxError || err instanceof SqlSourceError)) throw err;
      outcome = this.#sourceFailure(err);
    }
    if (outcome === undefined && this.#executed === 0)
      outcome = failed('InvalidParams', 'SQL command is empty (provide command or file_id)');
    const done = outcome ?? { state: 'Succeeded', message: `${count(this.#executed)} executed` };
    this.#log.finish(this.#executed);
    await this.#writer.end({
      success: done.state === 'Succeeded',
      executed: this.#executed,
      ...(done.state === 'Failed' ? { error: done.message } : {}),
    });
    return done;
  }

  /** Undefined when it went well. */
  async #statement(statement: SqlStatement): Promise<Outcome | undefined> {
    const { context, session, options, signal } = this.#options;
    const queryId = `tiangong-${context.uid}-${context.epoch}-${statement.number}`;
    const shown = cutText(statement.text.slice(0, SHOWN_SQL_BYTES + 1), SHOWN_SQL_BYTES);
    context.evidence(`statement ${statement.number}, query ${queryId} by ${session.description}`);
    const clock = this.#log.statement(statement.number);
    let rows: RowSink | undefined;
    try {
      const end = await session.execute({
        text: statement.text,
        queryId,
        signal,
        format: options.resultFormat,
        columns: (columns) => (rows = this.#writer.rows(columns)),
        row: (values) => rows?.add(values),
        progress: (progress) => clock.progress(progress),
        note: (level, message) => clock.note(level, this.#mask(message)),
      });
      const affected = affectedRows(end, rows);
      const heading = `Statement ${statement.number}: SUCCESS (Affected rows: ${affected ?? 'unknown'})`;
      await this.#writer.finish(
        [heading, `SQL: ${shown}`],
        { statement: statement.number, status: 'SUCCESS', affected_rows: affected ?? null, sql: shown },
        rows,
      );
      clock.succeeded(affected);
      return undefined;
    } catch (err) {
      return this.#failure(statement, shown, err);
    }
  }

  #failure(statement: SqlStatement, shown: string, err: unknown): Outcome {
    const text = this.#mask(cutText(errorText(err, this.#options.signal), SHOWN_ERROR_BYTES));
    const before = this.#executed === 0 ? '' : `\n${this.#undone()}`;
    this.#log.failed(statement.number, text);
    const message = `SQL execution failed: Statement ${statement.number}: ERROR - ${text}\nSQL: ${shown}${before}`;
    return failed(reasonOf(err, this.#options.signal), message);
  }

  #sourceFailure(err: SqlSyntaxError | SqlSourceError): Outcome {
    const hint = /is longer than \d+ characters/.test(err.message)
      ? '; an INSERT with so many rows must be split into several, each ended by a semicolon'
      : '';
    const before = this.#executed === 0 ? '' : `\n${this.#undone()}`;
    const reason = err instanceof SqlSourceError ? err.reason : 'InvalidSQL';
    return failed(reason, `SQL execution failed: ${this.#mask(err.message)}${hint}${before}`);
  }

  /** There are no transactions. */
  #undone(): string {
    return `${count(this.#executed)} before it ${this.#executed === 1 ? 'was executed and is' : 'were executed and are'} not undone`;
  }

  #mask(text: string): string {
    return maskSecrets(text, this.#options.target.secrets);
  }
}

function affectedRows({ written }: StatementEnd, rows: RowSink | undefined): number | undefined {
  return rows === undefined ? written : rows.count;
}

function errorText(err: unknown, signal: AbortSignal): string {
  if (signal.aborted) return (signal.reason as Error).message;
  if (err instanceof ServerException) return exceptionText(err);
  if (err instanceof ConnectionError || err instanceof ProtocolError)
    return `connection lost: ${err.message}; whether the statement took effect is not known`;
  return err instanceof Error ? err.message : String(err);
}

function reasonOf(err: unknown, signal: AbortSignal): string {
  if (signal.aborted) return signal.reason instanceof ExecutionTimeout ? 'TimeoutExceeded' : 'Aborted';
  if (err instanceof ConnectionError || err instanceof ProtocolError) return 'ConnectionLost';
  return 'StatementFailed';
}

const count = (statements: number): string => `${statements} ${statements === 1 ? 'statement' : 'statements'}`;
