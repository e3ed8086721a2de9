import type { OutputSink } from '../../executor.ts';
import type { LedgerPast } from '../../ledger/ledger-past.ts';
import type { ResultWriter, RowSink } from '../../sql/result-writer.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import { rowCount } from '../../sql/text-table.ts';
import { jsonReaders, toColumns } from '../session/column-types.ts';
import { orderFields, orderLines, shownSql } from './order-lines.ts';
import type { OrderEntry, RollbackText } from './order-lines.ts';
import type { RowHandler, StatementOutcome } from '../session/session.ts';

export interface StatementReportOptions {
  readonly writer: ResultWriter;
  readonly output: OutputSink;
  readonly format: 'text' | 'json';
  /** Takes secrets out of what we write ourselves. */
  readonly mask: (text: string) => string;
}

/** A statement that was executed and whose transaction has not ended. */
export interface ExecutedStatement {
  readonly number: number;
  /** The last of several that are counted together. */
  readonly lastNumber?: number;
  readonly affectedRows: number;
  readonly seconds: number;
  /** Undefined: it is only counted. */
  readonly sql: string | undefined;
  readonly sinks: readonly RowSink[];
}

/** The rows of one statement, as they come. */
export interface StatementRows {
  readonly handler: RowHandler;
  readonly sinks: readonly RowSink[];
}

interface Unlisted {
  readonly orderId: number;
  lastOrderId: number;
  affectedRows: number;
  readonly status: string;
}

/** Further statements without rows are counted together in the result: a dump has millions of them. */
const MAX_LISTED = 10_000;
/** So many statements have a line of the log each; then a line a second tells how far it has come. */
const MAX_LOGGED = 1000;
const PROGRESS_MS = 1000;
export const SUCCESS = 'Execute Successfully';

/** Writes what each statement gave to the result and to the log. */
export class StatementReport {
  readonly #options: StatementReportOptions;
  #executed = 0;
  /** Statements up to this one were executed by an earlier process; some are made again for their settings. */
  #before = 0;
  #committed = 0;
  #rows = 0;
  #listed = 0;
  /** What was executed since the last statement that the result lists. */
  #unlisted: Unlisted | undefined;
  #progressAt = 0;

  constructor(options: StatementReportOptions) {
    this.#options = options;
  }

  /** Writes what an earlier process of the agent had executed and not told, by its ledger. */
  async before({ committed, affectedRows, through, untold }: LedgerPast): Promise<void> {
    const { output } = this.#options;
    this.#before = this.#committed = Math.max(through, output.kept?.through ?? 0);
    this.#executed += committed.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    this.#rows += affectedRows;
    await output.log(
      'info',
      through === 0 ? 'Nothing was committed before' : `Statements up to ${through} were committed before`,
    );
    if (untold.ranges.length > 0) await this.#tellBefore(untold);
  }

  /** Writes that a statement which commits by itself was found to be executed by the earlier process. */
  async found(number: number): Promise<void> {
    this.#before = Math.max(this.#before, number);
    this.#executed += 1;
    await this.#tellBefore({ ranges: [{ first: number, last: number }], affectedRows: 0 });
  }

  async #tellBefore(untold: LedgerPast['untold']): Promise<void> {
    const { writer } = this.#options;
    const [orderId = 0, lastOrderId = 0] = [untold.ranges[0]?.first, untold.ranges.at(-1)?.last];
    const entry = {
      orderId,
      lastOrderId,
      stage: 'EXECUTED',
      status: `${SUCCESS} (committed before the agent restarted)`,
    };
    const told = { ...entry, affectedRows: untold.affectedRows };
    await writer.finish(orderLines(told), orderFields(told));
    await this.checkpoint(lastOrderId, true);
  }

  /** What was written of the statements up to this one stays: they are committed, or have nothing to commit. */
  async checkpoint(through: number, committed: boolean): Promise<void> {
    const { writer, output } = this.#options;
    if (output.checkpoint === undefined) return;
    await this.#writeUnlisted();
    if (committed) this.#committed = Math.max(this.#committed, through);
    const note = { through: Math.max(through, this.#before), committed: this.#committed };
    await output.checkpoint({ ...note, entries: await writer.flush() });
  }

  /** How many statements have been executed. */
  get executed(): number {
    return this.#executed;
  }

  /** `3 statements executed, 1 row` */
  summary(): string {
    return `${this.#executed} ${this.#executed === 1 ? 'statement' : 'statements'} executed, ${rowCount(this.#rows)}`;
  }

  /** Takes the rows of a statement; of a procedure there may be several results. */
  rows(): StatementRows {
    const { writer, format } = this.#options;
    const sinks: RowSink[] = [];
    let sink: RowSink | undefined;
    let readers: ReturnType<typeof jsonReaders> = [];
    return {
      sinks,
      handler: {
        columns: (fields) => {
          sinks.push((sink = writer.rows(toColumns(fields))));
          readers = format === 'json' ? jsonReaders(fields) : [];
        },
        row: (values) =>
          sink?.add(values.map((value, column) => (value === null ? null : (readers[column]?.(value) ?? value)))),
      },
    };
  }

  /** Logs it and keeps what its entry needs, until its transaction has ended: then it is to be given to `settled`. */
  executedNow(
    { number, text }: SqlStatement,
    { affectedRows, rows, warnings }: StatementOutcome,
    how: { readonly seconds: number; readonly sinks: readonly RowSink[] },
  ): { readonly executed: ExecutedStatement; readonly logged: Promise<void> | undefined } {
    this.#executed += 1;
    const affected = rows ?? affectedRows;
    this.#rows += affected;
    const isListed = how.sinks.length > 0 || this.#listed < MAX_LISTED;
    if (isListed) this.#listed += 1;
    const sql = isListed ? shownSql(this.#options.mask(text)) : undefined;
    return {
      executed: { number, affectedRows: affected, sql, ...how },
      logged: this.#log(number, { affected, warnings, seconds: how.seconds }),
    };
  }

  /** Writes its entry: its transaction has ended. */
  async settled(
    { number, lastNumber = number, affectedRows, seconds, sql, sinks }: ExecutedStatement,
    status: string,
    rollback?: RollbackText,
  ): Promise<void> {
    if (number <= this.#before) return;
    if (sql === undefined) return this.#count({ orderId: number, lastOrderId: lastNumber, affectedRows, status });
    await this.#writeUnlisted();
    const { mask } = this.#options;
    await this.#write(
      {
        ...{ orderId: number, stage: 'EXECUTED', status, affectedRows, seconds, sql },
        ...(rollback === undefined ? {} : { rollback: { ...rollback, sql: mask(rollback.sql) } }),
      },
      sinks,
    );
  }

  /** Writes that a statement, or the text itself, failed; `lines` are for the log. */
  async failure(entry: OrderEntry | undefined, lines: readonly string[]): Promise<void> {
    await this.#writeUnlisted();
    if (entry !== undefined) await this.#write(entry, []);
    else await this.#options.writer.finish(lines, { stage_status: 'Execute failed', error_message: lines.join('\n') });
    await this.#options.output.log('error', ...lines);
  }

  /** Ends the result, with `summary` in it where it is JSON. */
  async end(summary: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#writeUnlisted();
    await this.#options.writer.end(summary);
  }

  /** Of several results the further ones have entries of their own. */
  async #write(entry: OrderEntry, [first, ...more]: readonly RowSink[]): Promise<void> {
    const { writer } = this.#options;
    await writer.finish(orderLines(entry), orderFields(entry), first);
    for (const [index, sink] of more.entries())
      await writer.finish(
        [`Order ID: ${entry.orderId}, result ${index + 2}`],
        { order_id: entry.orderId, result: index + 2 },
        sink,
      );
  }

  async #count(next: Unlisted): Promise<void> {
    if (this.#unlisted !== undefined && this.#unlisted.status !== next.status) await this.#writeUnlisted();
    if (this.#unlisted === undefined) this.#unlisted = { ...next };
    else {
      this.#unlisted.lastOrderId = next.lastOrderId;
      this.#unlisted.affectedRows += next.affectedRows;
    }
  }

  async #writeUnlisted(): Promise<void> {
    const unlisted = this.#unlisted;
    this.#unlisted = undefined;
    if (unlisted !== undefined) await this.#write({ stage: 'EXECUTED', ...unlisted }, []);
  }

  #log(
    number: number,
    { affected, warnings, seconds }: { readonly affected: number; readonly warnings: number; readonly seconds: number },
  ): Promise<void> | undefined {
    const { output } = this.#options;
    if (this.#executed <= MAX_LOGGED)
      return output.log(
        'info',
        `[EXECUTED] ${SUCCESS} (Order ID: ${number}) (Affected rows: ${affected}) (Execute time: ${seconds.toFixed(3)}s)${warnings === 0 ? '' : ` (Warnings: ${warnings})`}`,
      );
    const now = performance.now();
    if (now - this.#progressAt < PROGRESS_MS) return undefined;
    this.#progressAt = now;
    return output.log('info', this.summary());
  }
}
