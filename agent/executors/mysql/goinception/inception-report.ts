import type { LogLevel } from '../../../output/log-line.ts';
import { cutText } from '../../../output/utf8.ts';
import type { OutputSink } from '../../executor.ts';
import type { ResultWriter } from '../../sql/result-writer.ts';
import { orderFields, orderLines, shownSql } from '../script/order-lines.ts';
import type { OrderEntry } from '../script/order-lines.ts';
import { rowFate } from './result-row.ts';
import type { InceptionRow } from './result-row.ts';

export interface InceptionReportOptions {
  readonly writer: ResultWriter;
  readonly output: OutputSink;
  readonly format: 'text' | 'json';
  /** Takes secrets out of what we write ourselves. */
  readonly mask: (text: string) => string;
}

/** What the result says of the rollback SQL of a statement. */
export interface RowRollback {
  /** Empty: there is none, for the reason of `message`. */
  readonly sql: string;
  readonly message?: string;
}

const MAX_MESSAGE = 4096;
/** Further statements are counted together in the result: a dump has millions of them. */
const MAX_LISTED = 10_000;
/** So many statements have a line of the log each; then only those with an error. */
const MAX_LOGGED = 1000;
const LEVELS: readonly LogLevel[] = ['info', 'warn', 'error'];

/** Writes what goInception said of each statement to the result, in the manual's lines, and to the log. */
export class InceptionReport {
  readonly #options: InceptionReportOptions;
  #listed = 0;
  #logged = 0;
  #unlisted: { orderId: number; lastOrderId: number; affectedRows: number; stage: string; status: string } | undefined;

  constructor(options: InceptionReportOptions) {
    this.#options = options;
  }

  /** `rollback`: undefined where there is nothing to say of it. */
  async row(number: number, row: InceptionRow, rollback: RowRollback | undefined): Promise<void> {
    await this.#log(number, row);
    const ordinary = row.errorLevel < 2 && rowFate(row) !== 'failed';
    if (ordinary && this.#listed >= MAX_LISTED) return this.#count(number, row);
    await this.flush();
    this.#listed += 1;
    const { mask, writer } = this.#options;
    const executed = isExecuted(row);
    const entry: OrderEntry = {
      orderId: number,
      stage: row.stage,
      status: shownStatus(row),
      ...(row.error === undefined ? {} : { error: cutText(mask(row.error), MAX_MESSAGE) }),
      ...(executed ? { affectedRows: row.affectedRows, seconds: Number(row.executeTime) } : {}),
      ...(row.backupDatabase === undefined ? {} : { backupDatabase: row.backupDatabase }),
      ...(rollback === undefined ? {} : { rollback: { ...rollback, sql: mask(rollback.sql), exact: false } }),
      sql: shownSql(mask(row.sql)),
    };
    await writer.finish(orderLines(asManual(entry)), { ...orderFields(entry), error_level: row.errorLevel });
  }

  /** Writes how the text failed; without `fields` JSON has it already, in a row of goInception and the summary. */
  async failure(lines: readonly string[], fields: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    const { writer, output, format } = this.#options;
    await this.flush();
    if (format === 'text' || fields !== undefined) await writer.finish(lines, fields ?? {});
    await output.log('error', ...lines);
  }

  async end(summary: Readonly<Record<string, unknown>>): Promise<void> {
    await this.flush();
    await this.#options.writer.end(summary);
  }

  /** Writes what was only counted so far: to be called before something else is written. */
  async flush(): Promise<void> {
    const entry = this.#unlisted;
    this.#unlisted = undefined;
    if (entry !== undefined) await this.#options.writer.finish(orderLines(entry), orderFields(entry));
  }

  async #log(number: number, row: InceptionRow): Promise<void> {
    const { mask, output } = this.#options;
    this.#logged += 1;
    const level = LEVELS[row.errorLevel] ?? 'error';
    if (this.#logged > MAX_LOGGED && level !== 'error') {
      if (this.#logged === MAX_LOGGED + 1)
        await output.log('info', `of more than ${MAX_LOGGED} statements, only errors are logged from here on`);
      return;
    }
    const error = row.error === undefined ? '' : `: ${oneLine(cutText(mask(row.error), MAX_MESSAGE))}`;
    const numbers = isExecuted(row)
      ? ` (Affected rows: ${row.affectedRows}) (Execute time: ${Number(row.executeTime).toFixed(3)}s)`
      : '';
    await output.log(level, `[${row.stage}] ${shownStatus(row)}${error} (Order ID: ${number})${numbers}`);
  }

  async #count(number: number, row: InceptionRow): Promise<void> {
    const { affectedRows, stage } = row;
    const status = shownStatus(row);
    const before = this.#unlisted;
    if (before !== undefined && (before.stage !== stage || before.status !== status)) await this.flush();
    if (this.#unlisted === undefined)
      this.#unlisted = { orderId: number, lastOrderId: number, affectedRows, stage, status };
    else {
      this.#unlisted.lastOrderId = number;
      this.#unlisted.affectedRows += affectedRows;
    }
  }
}

/** A backup that succeeded has lines of its own; the manual's status says nothing of it. */
const shownStatus = ({ status }: InceptionRow): string => status.replace(/, Backup Successfully$/, '');

const isExecuted = ({ stage }: InceptionRow): boolean => stage === 'EXECUTED' || stage === 'BACKUP';

/** In text, an error has one line, and the rollback SQL stands alone. */
const asManual = ({ error, rollback, ...rest }: OrderEntry): OrderEntry => ({
  ...rest,
  ...(error === undefined ? {} : { error: oneLine(error) }),
  ...(rollback === undefined ? {} : { rollback: { ...rollback, exact: true } }),
});

const oneLine = (text: string): string => text.replaceAll(/\s*[\r\n]+\s*/g, ' ');
