import type { RowSource } from '../../../executors/mysql/backup/table-facts.ts';
import { MysqlSession } from '../../../executors/mysql/session/session.ts';
import { ConnectionLost } from '../../../executors/mysql/session/server-error.ts';
import type { MysqlSettings } from './settings.ts';

/**
 * Values come as in the log: whole, in UTC, without what a mode of the server's would do to them. Nobody waits for long for a
 * table that is being altered.
 */
const SETTINGS = [
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES', time_zone = '+00:00', sql_select_limit = 18446744073709551615, net_write_timeout = 600, lock_wait_timeout = 20",
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
];

/** A server that has not answered by then is half open: it would never. Chunks and lists of tables take far less. */
const ANSWER_MS = 600_000;

/** A session for questions, which connects when it is asked and again when it was lost. One question at a time. */
export class ServerSession implements RowSource {
  readonly #settings: MysqlSettings;
  readonly #answerMs: number;
  #session: MysqlSession | undefined;
  #closed = false;

  constructor(settings: MysqlSettings, answerMs = ANSWER_MS) {
    this.#settings = settings;
    this.#answerMs = answerMs;
  }

  /** Rejects with the server's error or the network's. */
  async rows(sql: string): Promise<readonly Record<string, string | null>[]> {
    const session = await this.get();
    return this.inTime(() => session.rows(sql));
  }

  /** Does something with the session, which is closed when that takes too long; then it rejects as the session does. */
  async inTime<R>(act: () => Promise<R>): Promise<R> {
    const timer = setTimeout(
      () => this.#session?.destroy(new ConnectionLost(`no answer within ${this.#answerMs} ms`)),
      this.#answerMs,
    );
    try {
      return await act();
    } finally {
      clearTimeout(timer);
    }
  }

  async get(): Promise<MysqlSession> {
    if (this.#session?.broken !== undefined) this.#session = undefined;
    if (this.#session !== undefined) return this.#session;
    const session = await MysqlSession.connect(this.#settings.target);
    try {
      for (const setting of SETTINGS) await session.execute(setting, this.#answerMs);
    } catch (err) {
      session.destroy();
      throw err;
    }
    if (this.#closed) session.destroy();
    this.#session = session;
    return session;
  }

  /** Ends what runs, at once. */
  destroy(): void {
    this.#closed = true;
    this.#session?.destroy();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#session?.end();
  }
}
