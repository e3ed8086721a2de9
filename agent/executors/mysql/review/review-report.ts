import type { OutputSink } from '../../executor.ts';
import type { ResultWriter } from '../../sql/result-writer.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import { orderFields, orderLines, shownSql } from '../script/order-lines.ts';
import type { OrderEntry } from '../script/order-lines.ts';
import { shownRemark } from './remark.ts';
import type { RemarkCode, RemarkLevel } from './remark.ts';
import type { Verdict } from './statement-review.ts';
import { nameOf } from './table-use.ts';
import type { TableUse } from './table-use.ts';

export interface ReviewReportOptions {
  readonly writer: ResultWriter;
  readonly output: OutputSink;
  /** Takes secrets out of what we write ourselves. */
  readonly mask: (text: string) => string;
}

/** So many statements are listed each, whatever is said of them; then only those with something against them. */
const MAX_PLAIN = 1000;
const MAX_LISTED = 10_000;
/** So many statements have lines of the log; then a line a second tells how far it has come. */
const MAX_LOGGED = 1000;
const PROGRESS_MS = 1000;
const MAX_TABLES = 50;
const CHECKED = { stage: 'CHECKED', status: 'Audit Completed' };
const LOG_LEVELS = ['info', 'warn', 'error'] as const;

/** Writes what the review says of each statement to the result and to the log. */
export class ReviewReport {
  readonly #options: ReviewReportOptions;
  readonly #codes = new Map<RemarkCode, number>();
  readonly #levels: [number, number, number] = [0, 0, 0];
  #reviewed = 0;
  #listed = 0;
  #rows = 0;
  #unlisted: { readonly orderId: number; lastOrderId: number; affectedRows: number } | undefined;
  #progressAt = 0;

  constructor(options: ReviewReportOptions) {
    this.#options = options;
  }

  get reviewed(): number {
    return this.#reviewed;
  }

  /** `3 statements reviewed: 1 to look at, 0 that will fail, about 120 rows to change` */
  summary(): string {
    const [, warnings, errors] = this.#levels;
    return `${this.#reviewed} ${this.#reviewed === 1 ? 'statement' : 'statements'} reviewed: ${warnings} to look at, ${errors} that will fail, about ${this.#rows} rows to change`;
  }

  async add(statement: SqlStatement, verdict: Verdict): Promise<void> {
    this.#reviewed += 1;
    this.#levels[verdict.level] += 1;
    for (const { code } of verdict.remarks) this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    // A query finds rows, and changes none.
    const rows = verdict.backup === undefined ? 0 : (verdict.estimatedRows ?? 0);
    this.#rows += rows;
    await this.#log(statement, verdict);
    if (this.#listed < (verdict.level > 0 ? MAX_LISTED : MAX_PLAIN)) return this.#list(statement, verdict);
    if (this.#unlisted === undefined)
      this.#unlisted = { orderId: statement.number, lastOrderId: statement.number, affectedRows: rows };
    else {
      this.#unlisted.lastOrderId = statement.number;
      this.#unlisted.affectedRows += rows;
    }
  }

  /** Writes that the review itself ended early. */
  async failure(entry: OrderEntry | undefined, lines: readonly string[]): Promise<void> {
    await this.#writeUnlisted();
    const { writer, output } = this.#options;
    if (entry === undefined)
      await writer.finish(lines, { stage_status: 'Audit failed', error_message: lines.join('\n') });
    else await writer.finish(lines, orderFields({ ...entry, stage: 'CHECKED', status: 'Audit failed' }));
    await output.log('error', ...lines);
  }

  async end(summary: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#writeUnlisted();
    const [, warnings, errors] = this.#levels;
    await this.#options.writer.end({
      ...summary,
      reviewed: this.#reviewed,
      warnings,
      errors,
      estimated_rows: this.#rows,
      remarks: Object.fromEntries(this.#codes),
    });
  }

  async #list({ number, text }: SqlStatement, verdict: Verdict): Promise<void> {
    await this.#writeUnlisted();
    this.#listed += 1;
    const { mask, writer } = this.#options;
    const { level, tables, estimatedRows, backup } = verdict;
    const remarks = verdict.remarks.map((said) => shownRemark(said, mask));
    const [head, sql] = [{ orderId: number, ...CHECKED }, shownSql(mask(text))];
    const error = remarks.filter((said) => said.level > 0).map(({ code, text: why }) => `${code}: ${why}`);
    await writer.finish(
      [
        ...orderLines(head),
        ...(level === 0 ? [] : [`Error Level: ${level}`]),
        ...error.map((line) => `Error: ${line}`),
        ...remarks.filter((said) => said.level === 0).map(({ code, text: why }) => `Note: ${code}: ${why}`),
        ...(estimatedRows === undefined
          ? []
          : [`Affected Rows: ${backup === undefined ? 'none, finds ' : ''}about ${estimatedRows}`]),
        ...(backup === undefined ? [] : [`Rollback SQL: ${backupLine(backup)}`]),
        ...(tables.length === 0 ? [] : [`Tables: ${tableList(tables)}`]),
        `SQL: ${sql}`,
      ],
      {
        order_id: number,
        stage: CHECKED.stage,
        error_level: level,
        stage_status: CHECKED.status,
        error_message: error.length === 0 ? null : error.join('\n'),
        messages: remarks,
        tables: tables.map(({ schema = null, name, use }) => ({ schema, name, use })),
        estimated_rows: estimatedRows ?? null,
        backup: backup === undefined ? null : { ...backup, message: backup.message ?? null },
        sql,
      },
    );
  }

  async #writeUnlisted(): Promise<void> {
    const unlisted = this.#unlisted;
    this.#unlisted = undefined;
    if (unlisted === undefined) return;
    const entry = { ...CHECKED, ...unlisted };
    await this.#options.writer.finish(orderLines(entry), orderFields(entry));
  }

  async #log({ number }: SqlStatement, { level, remarks, estimatedRows }: Verdict): Promise<void> {
    const { output, mask } = this.#options;
    if (this.#reviewed > MAX_LOGGED) {
      const now = performance.now();
      if (now - this.#progressAt < PROGRESS_MS) return;
      this.#progressAt = now;
      return output.log('info', this.summary());
    }
    const rows = estimatedRows === undefined ? '' : ` (Estimated rows: ${estimatedRows})`;
    const said = remarks.map((each) => shownRemark(each, mask)).map(({ code, text }) => `${code}: ${text}`);
    await output.log(
      LOG_LEVELS[level satisfies RemarkLevel],
      `[CHECKED] Audit Completed (Order ID: ${number})${rows}${said.length === 0 ? '' : `: ${said.join('; ')}`}`,
    );
  }
}

function backupLine({ possible, exact, message }: NonNullable<Verdict['backup']>): string {
  if (!possible) return `(none: ${message ?? 'not possible'})`;
  return exact ? '(possible)' : `(possible, not exact: ${message ?? ''})`;
}

/** A statement may name thousands; JSON has them all. */
function tableList(tables: readonly TableUse[]): string {
  const names = tables.slice(0, MAX_TABLES).map((table) => `${nameOf(table)} (${table.use})`);
  const more = tables.length - names.length;
  return `${names.join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
}
