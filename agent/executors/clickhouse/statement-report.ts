import { cutText } from '../../output/utf8.ts';
import type { ResultWriter, RowSink } from '../sql/result-writer.ts';

/** How much of a statement and of a server's message is shown, in bytes. */
const MAX_SHOWN_SQL = 1024;
const MAX_MESSAGE = 16 * 1024;
/** Further statements without rows are counted together in the result: a file has millions of them. */
const MAX_LISTED = 10_000;

/** Statements that went well and are not listed. */
interface Unlisted {
  readonly first: number;
  last: number;
  /** Undefined: of at least one the server did not tell. */
  rows: number | undefined;
}

/** Writes what each statement gave to the result: the manual's text or JSON. */
export class StatementReport {
  readonly #writer: ResultWriter;
  readonly #mask: (text: string) => string;
  #unlisted: Unlisted | undefined;

  /** `mask` takes secrets out of what we write ourselves. */
  constructor(writer: ResultWriter, mask: (text: string) => string) {
    this.#writer = writer;
    this.#mask = mask;
  }

  /** `affected` is undefined where the server does not tell. */
  async success(statement: number, text: string, affected: number | undefined, rows?: RowSink): Promise<void> {
    if (rows === undefined && statement > MAX_LISTED) return this.#count(statement, affected);
    await this.#writeUnlisted();
    const sql = this.#shown(text);
    await this.#writer.finish(
      [`Statement ${statement}: SUCCESS (Affected rows: ${affected ?? 'unknown'})`, `SQL: ${sql}`],
      { statement, status: 'SUCCESS', affected_rows: affected ?? null, sql },
      rows,
    );
  }

  /** Gives the text for the task's error, without its beginning. */
  async failure(statement: number, text: string, message: string, code: number | undefined): Promise<string> {
    await this.#writeUnlisted();
    const sql = this.#shown(text);
    const shown = cutText(this.#mask(message), MAX_MESSAGE);
    const lines = [`Statement ${statement}: ERROR - ${shown}`, `SQL: ${sql}`];
    const error = { message: shown, ...(code === undefined ? {} : { code }) };
    await this.#writer.finish(lines, { statement, status: 'ERROR', error, sql });
    return lines.join('\n');
  }

  async end(summary: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#writeUnlisted();
    await this.#writer.end(summary);
  }

  /** As much of a statement as is shown; more is not looked at, as it may have megabytes. */
  #shown(text: string): string {
    return cutText(this.#mask(text.slice(0, MAX_SHOWN_SQL * 2)), MAX_SHOWN_SQL);
  }

  #count(statement: number, affected: number | undefined): void {
    this.#unlisted ??= { first: statement, last: statement, rows: 0 };
    this.#unlisted.last = statement;
    const { rows } = this.#unlisted;
    this.#unlisted.rows = rows === undefined || affected === undefined ? undefined : rows + affected;
  }

  async #writeUnlisted(): Promise<void> {
    if (this.#unlisted === undefined) return;
    const { first, last, rows } = this.#unlisted;
    this.#unlisted = undefined;
    await this.#writer.finish([`Statements ${first}-${last}: SUCCESS (Affected rows: ${rows ?? 'unknown'})`], {
      first_statement: first,
      last_statement: last,
      status: 'SUCCESS',
      affected_rows: rows ?? null,
    });
  }
}
