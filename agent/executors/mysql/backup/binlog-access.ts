import type { Target } from '../../../connections/target.ts';
import { maskSecrets } from '../../database/mask-secrets.ts';
import { BinlogError } from '../binlog/binlog-error.ts';
import type { BinlogPosition } from '../binlog/binlog-position.ts';
import { BinlogReader } from '../binlog/binlog-reader.ts';
import { currentPosition } from '../binlog/current-position.ts';
import { networkText } from '../failure.ts';
import { ERRNO, isServerError } from '../session/server-error.ts';
import { MysqlSession } from '../session/session.ts';
import type { Patience } from './patience.ts';
import { RowLogging } from './row-logging.ts';
import { TableCatalog } from './table-catalog.ts';

/** Needs another right than the login has. */
const DENIED = [ERRNO.dbAccessDenied, ERRNO.accessDenied, 1142, 1227] as number[];

/** A server or a text may let queries give fewer rows than there are. */
const ALL_ROWS = 'SET SESSION sql_select_limit = 18446744073709551615';

/** All that a backup needs of a server: the log from a place on, and what its tables are. To be closed. */
export class BinlogAccess {
  readonly logging: RowLogging;
  readonly reader: BinlogReader;
  readonly catalog: TableCatalog;
  readonly #facts: MysqlSession;
  readonly #backup: MysqlSession;

  private constructor(
    parts: Pick<BinlogAccess, 'logging' | 'reader'>,
    sessions: { readonly facts: MysqlSession; readonly backup: MysqlSession },
  ) {
    this.logging = parts.logging;
    this.reader = parts.reader;
    this.#facts = sessions.facts;
    this.#backup = sessions.backup;
    this.catalog = new TableCatalog(sessions);
  }

  /** The text of why a backup is not possible, else the access. `session` is the task's, which is set to log whole rows. */
  static async open(session: MysqlSession, target: Target, patience: Patience): Promise<BinlogAccess | string> {
    const sessions: MysqlSession[] = [];
    const connect = async (login: { user?: string; password?: string } = {}): Promise<MysqlSession> => {
      // Who only reads the log has no right to the database.
      const place = login.user === undefined ? target : { ...target, database: '' };
      const opened = await MysqlSession.connect(place, login);
      sessions.push(opened);
      await opened.query(ALL_ROWS);
      return opened;
    };
    const give = async (reason: string): Promise<string> => {
      for (const opened of sessions) await opened.end();
      return maskSecrets(reason, target.secrets);
    };
    const login = loginOf(target);
    const who = login.user ?? target.user ?? 'the login';
    const begin = async (): Promise<BinlogAccess | string> => {
      const facts = await connect();
      const logging = await RowLogging.inspect(facts, session.flavour);
      const reason = await logging.ensure(session);
      if (reason !== undefined) return give(reason);
      const backup = login.user === undefined ? facts : await connect(login);
      const reader = await BinlogReader.open(target, await currentPosition(backup), login);
      return new BinlogAccess({ logging, reader }, { facts, backup });
    };
    try {
      return await patience.wait(() => [...sessions, session], begin);
    } catch (err) {
      if (session.broken !== undefined) throw err;
      return await give(explain(err, who));
    }
  }

  /** Those that are asked. */
  get sessions(): readonly MysqlSession[] {
    return [this.#facts, this.#backup];
  }

  /** Where the log ends now. */
  position(): Promise<BinlogPosition> {
    return currentPosition(this.#backup);
  }

  async close(): Promise<void> {
    this.reader.close();
    for (const session of new Set([this.#facts, this.#backup])) await session.end();
  }
}

function loginOf({ backup }: Target): { user?: string; password?: string } {
  if (backup === undefined) return {};
  return { user: backup.user, password: backup.password ?? '' };
}

function explain(err: unknown, who: string): string {
  const isDenied =
    err instanceof BinlogError ? err.reason === 'AccessDenied' : isServerError(err) && DENIED.includes(err.errno);
  const said = err instanceof Error ? networkText(err) : String(err);
  return isDenied
    ? `${who} may not read the binary log (${said}): GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* to it, or name a backup_user in the agent's configuration`
    : `the binary log cannot be read as ${who}: ${said}`;
}
