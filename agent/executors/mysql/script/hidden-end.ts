import { isLost } from '../session/server-error.ts';
import type { MysqlSession, StatementOutcome } from '../session/session.ts';
import type { StatementKind } from '../text/statement-kind.ts';

/** Whether it executes statements that it does not show. */
export const hidesStatements = (kind: StatementKind): boolean => kind === 'call' || kind === 'other';

/**
 * Tells whether a statement that does not show what it executes, a CALL for example, has committed something: by what the
 * server's log says of it.
 */
export class HiddenEnd {
  readonly #session: MysqlSession;
  readonly #lastGtid: string | undefined;

  private constructor(session: MysqlSession, lastGtid: string | undefined) {
    this.#session = session;
    this.#lastGtid = lastGtid;
  }

  /** To be called before the statement. */
  static async before(session: MysqlSession): Promise<HiddenEnd> {
    return new HiddenEnd(session, session.flavour === 'mariadb' ? await lastGtid(session) : undefined);
  }

  /** Whether it has committed changes; undefined: nobody knows. */
  async hasCommitted({ gtids }: StatementOutcome): Promise<boolean | undefined> {
    if (gtids !== undefined) return true;
    return this.#ask().catch((err: unknown) => {
      if (isLost(err)) return undefined;
      throw err;
    });
  }

  async #ask(): Promise<boolean | undefined> {
    const { flavour } = this.#session;
    if (flavour === 'mariadb' && (await lastGtid(this.#session)) !== this.#lastGtid) return true;
    if (flavour === 'doris') return undefined;
    // Where changes leave no GTID, that there is none says nothing.
    const logged = flavour === 'mariadb' ? '@@log_bin AND @@sql_log_bin' : "@@sql_log_bin AND @@gtid_mode = 'ON'";
    const [found] = await this.#session.rows(`SELECT ${logged} AS logged`);
    return found?.['logged'] === '1' ? false : undefined;
  }
}

async function lastGtid(session: MysqlSession): Promise<string> {
  const [found] = await session.rows('SELECT @@last_gtid AS gtid');
  return found?.['gtid'] ?? '';
}
