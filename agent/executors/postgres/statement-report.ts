import { cutText } from '../../output/utf8.ts';
import type { OutputSink } from '../executor.ts';
import { describeRanges } from '../ledger/describe-ranges.ts';
import type { LedgerPast } from '../ledger/ledger-past.ts';
import type { ResultWriter, RowSink } from '../sql/result-writer.ts';
import { rowCount } from '../sql/text-table.ts';
import type { SqlStatement } from '../sql/split-statements.ts';
import { toColumns, valueReaders } from './column-types.ts';
import type { Failure } from './failure.ts';
import type { QueryHandler } from './statement-query.ts';

export interface StatementReportOptions {
  readonly writer: ResultWriter;
  readonly output: OutputSink;
  readonly format: 'text' | 'json';
  /** Takes secrets out of what we write ourselves. */
  readonly mask: (text: string) => string;
}

/** How much of a statement its result shows, in bytes. */
const MAX_SHOWN_SQL = 1024;
/** Further statements without rows are counted together in the result: a dump has millions of them. */
const MAX_LISTED = 10_000;
/** So many statements have a line of the log each; then a line a second tells how far it has come. */
const MAX_LOGGED = 1000;
const PROGRESS_MS = 1000;
const BEFORE = 'committed before the agent restarted';

/** Writes what each statement gave to the result and to the log. */
export class StatementReport {
  readonly #options: StatementReportOptions;
  #executed = 0;
  /** Statements up to this one were committed by an earlier process; some are made again for their settings. */
  #before = 0;
  #committed = 0;
  #rows = 0;
  /** What was executed since the last statement that the result lists. */
  #unlisted: Unlisted | undefined;
  #progressAt = 0;

  constructor(options: StatementReportOptions) {
    this.#options = options;
  }

  /** How many statements have succeeded. */
  get executed(): number {
    return this.#executed;
  }

  /** `3 statements executed, 1 row` */
  summary(): string {
    return `${this.#executed} ${this.#executed === 1 ? 'statement' : 'statements'} executed, ${rowCount(this.#rows)}`;
  }

  /** Takes what the server answers to these statements; `completed` is told of each and its rows, when it has ended. */
  handler(
    statements: readonly SqlStatement[],
    completed: (statement: SqlStatement, affected: number) => void,
  ): QueryHandler {
    let index = 0;
    let sink: RowSink | undefined;
    let read = asText;
    let since = performance.now();
    let writing: Promise<void> = Promise.resolve();
    return {
      columns: (fields) => {
        sink = this.#options.writer.rows(toColumns(fields));
        const readers = this.#options.format === 'text' ? [] : valueReaders(fields);
        read = (values) => values.map((value, column) => (value === null ? null : (readers[column]?.(value) ?? value)));
      },
      row: (values) => {
        sink ??= this.#options.writer.rows([{ name: 'copy' }]);
        return sink.add(read(values));
      },
      complete: (tag) => {
        const statement = statements[index];
        index += 1;
        if (statement === undefined)
          return Promise.reject(new Error('the server executed more statements than were sent to it'));
        completed(statement, affectedRows(tag));
        if (statement.number <= this.#before)
          return this.#options.output.log('info', `Statement ${statement.number}: ${tag} again, after the restart`);
        const now = performance.now();
        const success = { statement, tag, affected: affectedRows(tag), sink, seconds: (now - since) / 1000 };
        [since, sink, read] = [now, undefined, asText];
        const logged = this.#logSuccess(success);
        if (success.sink === undefined && this.#executed > MAX_LISTED) {
          this.#count(success);
          return logged;
        }
        const before = this.#takeUnlisted();
        writing = writing.then(() => this.#writeSuccess(success, before));
        return logged === undefined ? writing : Promise.all([logged, writing]).then(() => undefined);
      },
      skipped: () => {
        const statement = statements[index];
        index += 1;
        if (statement !== undefined) completed(statement, 0);
      },
    };
  }

  /** Writes what an earlier process of the agent had executed and not told, by its ledger. */
  async before({ committed, affectedRows, through, untold }: LedgerPast): Promise<void> {
    this.#before = this.#committed = through;
    this.#executed += committed.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    this.#rows += affectedRows;
    const { output } = this.#options;
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
    const { label, fields } = describeRanges(untold.ranges);
    await writer.finish([`${label}: SUCCESS (Affected rows: ${untold.affectedRows})`, BEFORE], {
      ...{ ...fields, status: 'SUCCESS', affected_rows: untold.affectedRows, remark: BEFORE },
    });
    await this.checkpoint(untold.ranges.at(-1)?.last ?? 0, true);
  }

  /** What was written of the statements up to this one stays: they are committed, or have nothing to commit. */
  async checkpoint(through: number, committed: boolean): Promise<void> {
    const { writer, output } = this.#options;
    if (output.checkpoint === undefined) return;
    await this.#writeUnlisted(this.#takeUnlisted());
    if (committed) this.#committed = Math.max(this.#committed, through);
    const note = { through: Math.max(through, this.#before), committed: this.#committed };
    await output.checkpoint({ ...note, entries: await writer.flush() });
  }

  /** Writes that a statement, or the text itself, failed: `lines` as text, `fields` as JSON. */
  async failure({ lines, fields }: Pick<Failure, 'lines' | 'fields'>): Promise<void> {
    const { writer, output } = this.#options;
    await this.#writeUnlisted(this.#takeUnlisted());
    await writer.finish(lines, fields);
    await output.log('error', ...lines);
  }

  /** Ends the result, with `summary` in it where it is JSON. */
  async end(summary: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#writeUnlisted(this.#takeUnlisted());
    await this.#options.writer.end(summary);
  }

  async #writeSuccess({ statement, affected, sink }: Success, before: Unlisted | undefined): Promise<void> {
    await this.#writeUnlisted(before);
    const { number, text } = statement;
    const sql = shownSql(this.#options.mask(text));
    await this.#options.writer.finish(
      [`Statement ${number}: SUCCESS (Affected rows: ${affected})`, `SQL: ${sql}`],
      { statement: number, status: 'SUCCESS', affected_rows: affected, sql },
      sink,
    );
  }

  async #writeUnlisted(unlisted: Unlisted | undefined): Promise<void> {
    if (unlisted === undefined) return;
    const { first, last, rows } = unlisted;
    await this.#options.writer.finish([`Statements ${first}-${last}: SUCCESS (Affected rows: ${rows})`], {
      first_statement: first,
      last_statement: last,
      status: 'SUCCESS',
      affected_rows: rows,
    });
  }

  #count({ statement: { number }, affected }: Success): void {
    if (this.#unlisted === undefined) this.#unlisted = { first: number, last: number, rows: affected };
    else {
      this.#unlisted.last = number;
      this.#unlisted.rows += affected;
    }
  }

  #takeUnlisted(): Unlisted | undefined {
    const unlisted = this.#unlisted;
    this.#unlisted = undefined;
    return unlisted;
  }

  #logSuccess({ statement: { number }, tag, affected, seconds }: Success): Promise<void> | undefined {
    this.#executed += 1;
    this.#rows += affected;
    const { output } = this.#options;
    if (this.#executed <= MAX_LOGGED)
      return output.log('info', `Statement ${number}: ${tag}, ${rowCount(affected)}, ${seconds.toFixed(3)} s`);
    const now = performance.now();
    if (now - this.#progressAt < PROGRESS_MS) return undefined;
    this.#progressAt = now;
    return output.log('info', this.summary());
  }
}

type ReadRow = (values: readonly (string | null)[]) => readonly unknown[];

const asText: ReadRow = (values) => values;

interface Unlisted {
  readonly first: number;
  last: number;
  rows: number;
}

interface Success {
  readonly statement: SqlStatement;
  readonly tag: string;
  readonly affected: number;
  readonly sink: RowSink | undefined;
  readonly seconds: number;
}

/** The number at the end of a tag: `INSERT 0 5`, `SELECT 2`, `CREATE TABLE`. */
const affectedRows = (tag: string): number => Number(/ (\d+)$/.exec(tag)?.[1] ?? 0);

/** As much of a statement as results and errors show. */
export const shownSql = (sql: string): string => cutText(sql, MAX_SHOWN_SQL);
