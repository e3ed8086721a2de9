import { runStatement } from '../session/run-statement.ts';
import { isServerError } from '../session/server-error.ts';
import { quoteName } from '../session/session.ts';
import type { Flavour, MysqlSession } from '../session/session.ts';
import type { ServerVersion } from '../text/executable-comment.ts';
import { readDorisPlan, readPlan } from './explain-plan.ts';
import type { Estimate } from './explain-plan.ts';

export interface ReviewSessionOptions {
  /** Aborts with why the task is to end. */
  readonly signal: AbortSignal;
  /** See `RunStatementOptions`. */
  readonly graceMs: number;
  /** How long the server may think about one question. */
  readonly questionSeconds: number;
}

/** How long the server may wait for somebody's locks. */
const LOCK_SECONDS = 1;
/** More rows of an answer than any question of ours has are passed over. */
const MAX_ROWS = 5000;
const PREPARED = 'tiangong_review';

/**
 * Asks a server about statements without executing any: only PREPARE, EXPLAIN of a SELECT in a transaction that may
 * not write, and information_schema. What it sets is of its session alone.
 */
export class ReviewSession {
  readonly #session: MysqlSession;
  readonly #options: ReviewSessionOptions;

  private constructor(session: MysqlSession, options: ReviewSessionOptions) {
    this.#session = session;
    this.#options = options;
  }

  /** For the time of the review nobody else uses the session; afterwards it must be reset. */
  static async open(session: MysqlSession, options: ReviewSessionOptions): Promise<ReviewSession> {
    const opened = new ReviewSession(session, options);
    await opened.#bound();
    return opened;
  }

  get flavour(): Flavour {
    return this.#session.flavour;
  }

  get serverVersion(): ServerVersion | undefined {
    return this.#session.serverVersion;
  }

  get schema(): string | undefined {
    return this.#session.schema;
  }

  /** The rows of a question, every value as text. Rejects as `runStatement`. */
  async rows(sql: string): Promise<readonly Record<string, string | null>[]> {
    let names: readonly string[] = [];
    const rows: Record<string, string | null>[] = [];
    await this.#ask(sql, {
      columns: (fields) => {
        names = fields.map(({ name }) => name);
      },
      row: (values) => {
        if (rows.length < MAX_ROWS)
          rows.push(Object.fromEntries(names.map((name, index) => [name, values[index] ?? null])));
        return undefined;
      },
    });
    return rows;
  }

  /** Makes a database the current one. */
  async use(schema: string): Promise<void> {
    await this.#ask(`USE ${quoteName(schema)}`);
  }

  /** Lets the server read a statement without executing it. Rejects with what it has against it. */
  async prepare(sql: string): Promise<void> {
    await this.#ask(`PREPARE ${PREPARED} FROM ${this.#quote(sql)}`);
    await this.#ask(`DEALLOCATE PREPARE ${PREPARED}`);
  }

  /**
   * What the server estimates of a query, which must be one that only reads. A function that would write all the same
   * is refused by the server, because the transaction may not.
   */
  async explain(query: string): Promise<Estimate> {
    if (this.flavour === 'doris') {
      const lines = await this.rows(`EXPLAIN ${query}`);
      return readDorisPlan(lines.map((line) => Object.values(line)[0] ?? ''));
    }
    await this.#ask('START TRANSACTION READ ONLY');
    try {
      return readPlan(await this.rows(`EXPLAIN FORMAT=TRADITIONAL ${query}`));
    } finally {
      if (this.#session.broken === undefined) await this.#ask('ROLLBACK');
    }
  }

  /** A table that is locked, or a query that takes long to plan, shall hold up nobody. */
  async #bound(): Promise<void> {
    if (this.flavour === 'doris') return;
    const { questionSeconds } = this.#options;
    const settings = [
      `lock_wait_timeout = ${LOCK_SECONDS}`,
      `innodb_lock_wait_timeout = ${LOCK_SECONDS}`,
      ...(this.flavour === 'mariadb'
        ? [`max_statement_time = ${questionSeconds}`]
        : // Numbers of rows as they are now, and no cache of the server's is written.
          [`max_execution_time = ${questionSeconds * 1000}`, 'information_schema_stats_expiry = 0']),
    ];
    for (const setting of settings)
      await this.#ask(`SET SESSION ${setting}`).catch((err: unknown) => {
        // An older server has no such variable.
        if (!isServerError(err)) throw err;
      });
  }

  async #ask(sql: string, handler?: Parameters<MysqlSession['query']>[1]): Promise<void> {
    await runStatement(this.#session, sql, {
      signal: this.#options.signal,
      graceMs: this.#options.graceMs,
      ...(handler === undefined ? {} : { handler }),
    });
  }

  #quote(sql: string): string {
    const escaped = this.#session.noBackslashEscapes ? sql : sql.replaceAll('\\', '\\\\');
    return `'${escaped.replaceAll("'", "''")}'`;
  }
}
