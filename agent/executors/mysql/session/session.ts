import type { Target } from '../../../connections/target.ts';
import { tlsAttempts } from '../../database/tls-attempts.ts';
import type { TlsAttempt } from '../../database/tls-attempts.ts';
import type { PooledSession } from '../../database/session-pool.ts';
import { STATUS } from './answer-packets.ts';
import type { DriverCommand, DriverConnection } from './driver-connection.ts';
import { serverVersion } from '../text/executable-comment.ts';
import type { ServerVersion } from '../text/executable-comment.ts';
import { asConnectionError, isRefusalOfMode, login } from './login.ts';
import { allowMultiStatements } from './multi-statements.ts';
import { QueryCommand } from './query-command.ts';
import type { RowHandler, StatementEnd } from './query-command.ts';
import { ConnectionLost, isServerError, ServerError } from './server-error.ts';
import { toOutcome } from './statement-outcome.ts';
import type { StatementOutcome } from './statement-outcome.ts';

export type { RowHandler } from './query-command.ts';
export type { StatementOutcome } from './statement-outcome.ts';

export type Flavour = 'mysql' | 'mariadb' | 'doris';

export interface SessionOptions {
  /** Another login than the target's. */
  readonly user?: string;
  readonly password?: string;
  /** How long the server may take to accept the connection, login included. */
  readonly connectTimeoutMs?: number;
  /** Of a server that does not tell it itself. */
  readonly flavour?: Flavour;
}

const CONNECT_MS = 15_000;
/** A line end before it, because a statement may end with a comment of one line. */
const SEPARATOR = '\n;\n';
const SETTINGS = 'SET NAMES utf8mb4, autocommit = 1';
/** What the session follows of the server's changes, whatever the server's own setting. */
const TRACKED =
  ", session_track_schema = 1, session_track_system_variables = 'character_set_client,character_set_results'";
/** Groups are far shorter. */
const MIN_GROUP_BYTES = 512 * 1024;
const NO_HANDLER: RowHandler = { columns: () => undefined, row: () => undefined };

/** One connection to a server of MySQL, MariaDB or Doris, logged in. A statement waits until the one before has ended. */
export class MysqlSession implements PooledSession {
  readonly target: Target;
  readonly openedAt = performance.now();
  readonly #driver: DriverConnection;
  readonly #tls: TlsAttempt;
  readonly #flavour: Flavour;
  /** The database that the session begins with. */
  readonly #database: string | undefined;
  #schema: string | undefined;
  #status: number = STATUS.autocommit;
  #clientCharset = 'utf8mb4';
  #resultCharset = 'utf8mb4';
  #broken: Error | undefined;
  #tainted = false;
  #maxPacket: Promise<number> | undefined;
  #role: string | undefined;
  /** Whether several statements may be in one query; undefined: it was not asked for. */
  #groups: boolean | undefined;
  #command: QueryCommand | undefined;

  private constructor(
    target: Target,
    driver: DriverConnection,
    { tls, flavour, database }: { tls: TlsAttempt; flavour: Flavour; database: string | undefined },
  ) {
    this.target = target;
    this.#driver = driver;
    this.#tls = tls;
    this.#flavour = flavour;
    this.#database = database;
    this.#schema = database;
    driver.on('error', (err) => (this.#broken ??= asConnectionError(err)));
    driver.on('end', () => (this.#broken ??= new ConnectionLost('the server closed the connection')));
  }

  /** Connects once, or more often where sslmode or the database's name say so. Rejects with the server's error or the network's. */
  static async connect(target: Target, options: SessionOptions = {}): Promise<MysqlSession> {
    const attempts = tlsAttempts(target);
    if (typeof attempts === 'string') throw new Error(attempts);
    let failure: unknown;
    const { user = target.user, password = target.password, connectTimeoutMs = CONNECT_MS } = options;
    for (const tls of attempts) {
      try {
        const { driver, database } = await login(target, { user, password, tls, connectTimeoutMs });
        const flavour = options.flavour ?? (isMariadb(driver) ? 'mariadb' : 'mysql');
        const session = new MysqlSession(target, driver, { tls, flavour, database });
        await session.#within(connectTimeoutMs, session.#prepare()).catch((err: unknown) => {
          session.destroy();
          throw err;
        });
        return session;
      } catch (err) {
        failure ??= err;
        if (!isRefusalOfMode(err, tls)) break;
      }
    }
    throw failure;
  }

  /** The number by which KILL knows the connection. */
  get threadId(): number {
    return this.#driver.threadId;
  }

  get flavour(): Flavour {
    return this.#flavour;
  }

  /** As the server says it: `9.7.0`, `11.8.2-MariaDB-log`. */
  get version(): string {
    return this.#driver._handshakePacket?.serverVersion ?? '';
  }

  /** For executable comments. */
  get serverVersion(): ServerVersion | undefined {
    return serverVersion(this.version, this.#flavour === 'mariadb');
  }

  get encrypted(): boolean {
    return this.#tls !== false;
  }

  /** Why it can be used no more. */
  get broken(): Error | undefined {
    return this.#broken;
  }

  /** Whether a transaction is open: the server's own word after each statement. */
  get inTransaction(): boolean {
    return (this.#status & STATUS.inTransaction) !== 0;
  }

  /** For the pool. */
  get transaction(): string {
    return this.inTransaction ? 'open' : 'none';
  }

  /** Whether statements commit by themselves. */
  get autocommit(): boolean {
    // Doris does not say: it knows nothing else.
    return this.#flavour === 'doris' || (this.#status & STATUS.autocommit) !== 0;
  }

  /** Whether a backslash in a string is one: then texts are split otherwise than we split them. */
  get noBackslashEscapes(): boolean {
    return (this.#status & STATUS.noBackslashEscapes) !== 0;
  }

  /** The current database, as far as the server tells. */
  get schema(): string | undefined {
    return this.#schema;
  }

  /** In which character set the server takes text to be, though it is sent in UTF-8. */
  get clientCharset(): string {
    return this.#clientCharset;
  }

  /**
   * Executes one statement. Rejects with `ServerError`, with what the handler's promise rejected with, or with why the
   * connection is lost (`isLost`). A rejecting handler does not stop the statement: see `discard`.
   */
  async query(sql: string, handler: RowHandler = NO_HANDLER): Promise<StatementOutcome> {
    let last: StatementEnd | undefined;
    await this.#execute(sql, handler, (end) => {
      last = end;
    });
    if (last === undefined) throw new ConnectionLost('the server did not say how the statement ended');
    return toOutcome(last);
  }

  /**
   * Executes statements that belong together in one trip, each of which gives one result. The server stops at the first
   * that fails. `ended` is told of each one that was executed, in order; for the rest as `query`. Only where `takesGroups`
   * said yes.
   */
  async queryGroup(
    statements: readonly string[],
    handlerOf: (index: number) => RowHandler,
    ended: (index: number, outcome: StatementOutcome) => void,
  ): Promise<void> {
    let index = 0;
    const handler: RowHandler = {
      columns: (fields) => handlerOf(index).columns(fields),
      row: (values) => handlerOf(index).row(values),
    };
    try {
      await this.#execute(statements.join(SEPARATOR), handler, (end) => {
        ended(index, toOutcome(end));
        index += 1;
      });
    } catch (err) {
      if (!isServerError(err)) throw err;
      // "near '…'" shows the beginning of the next statement too.
      throw new ServerError(err.errno, err.sqlState, err.message.replace(/\n?;\n[^]*(?=' at line \d+$)/, ''));
    }
  }

  /** Whether `queryGroup` can be used: makes it so, the first time. Texts must be split as the server does. */
  async takesGroups(): Promise<boolean> {
    if (this.#flavour === 'doris' || this.noBackslashEscapes) return false;
    this.#groups ??= await this.#allowGroups();
    return this.#groups;
  }

  /** The rows of a small answer: every value as text. */
  async rows(sql: string): Promise<readonly Record<string, string | null>[]> {
    let names: string[] = [];
    const rows: Record<string, string | null>[] = [];
    await this.query(sql, {
      columns: (fields) => {
        names = fields.map(({ name }) => name);
      },
      row: (values) => {
        rows.push(Object.fromEntries(names.map((name, index) => [name, values[index] ?? null])));
        return undefined;
      },
    });
    return rows;
  }

  /** Drops the rows that the running statement still gives; it goes on until it ends by itself or is killed. */
  discard(): void {
    this.#command?.discard();
  }

  /** Executes what brings no rows that matter, within this many milliseconds; else the connection is destroyed. */
  execute(text: string, timeoutMs: number): Promise<StatementOutcome> {
    return this.#within(timeoutMs, this.query(text));
  }

  /** A KILL may still be under way to it: whatever it executes next could be met by it, so that no other task gets it. */
  taint(): void {
    this.#tainted = true;
  }

  /** To be called before a task gets the session of a pool: only so `forget` can tell whether it changed its role. */
  async rememberRole(): Promise<void> {
    this.#role = await this.#currentRole();
  }

  /** Drops what a task set: variables, temporary tables, locks, the current database. Rejects when its role is another. */
  async forget(timeoutMs: number): Promise<void> {
    if (this.#tainted) throw new Error('a KILL may be under way to the connection');
    if (this.#flavour === 'doris') throw new Error('Doris cannot reset a connection');
    await this.#within(timeoutMs, this.#reset());
  }

  /** Gives the connection to a command that never gives it back, such as one that reads the binary log. */
  handOver(command: DriverCommand): void {
    if (this.#broken !== undefined) throw this.#broken;
    this.#driver.addCommand(command);
    this.#broken = new Error('the connection is used for something else');
  }

  /** Closes it at once. What the server executes may go on there. */
  destroy(reason?: Error): void {
    this.#broken ??= reason ?? new ConnectionLost('the connection was closed');
    this.#driver.stream.destroy(reason ?? this.#broken);
  }

  /** Says goodbye; within a second or not at all. */
  async end(): Promise<void> {
    const wasBroken = this.#broken !== undefined;
    this.#broken ??= new ConnectionLost('the connection was closed');
    if (!wasBroken && this.#command === undefined) {
      const gone = Promise.withResolvers<void>();
      const timer = setTimeout(() => gone.resolve(), 1000);
      this.#driver.stream.once('close', () => gone.resolve());
      this.#driver.end(() => gone.resolve());
      await gone.promise;
      clearTimeout(timer);
    }
    this.destroy();
  }

  /** After the login, and after all was forgotten: what every session of ours has in common. */
  async #prepare(): Promise<void> {
    if (this.#flavour === 'doris') {
      await this.query('SET NAMES utf8mb4');
      return;
    }
    const gtids = this.#flavour === 'mysql' ? ", session_track_gtids = 'OWN_GTID'" : '';
    try {
      await this.query(`${SETTINGS}${TRACKED}${gtids}`);
    } catch (err) {
      // Before MySQL 5.7.6 and MariaDB 10.2 there are no such variables.
      if (!isServerError(err)) throw err;
      await this.query(SETTINGS);
    }
  }

  /** How long a statement may be that the server takes, in bytes: with the command's own it is less than the packet's. */
  async maxStatementBytes(): Promise<number> {
    this.#maxPacket ??= this.rows('SELECT @@max_allowed_packet AS size').then(([found]) =>
      Number(found?.['size'] ?? 0),
    );
    return (await this.#maxPacket) - 2;
  }

  async #allowGroups(): Promise<boolean> {
    if ((await this.maxStatementBytes()) < MIN_GROUP_BYTES) return false;
    try {
      await allowMultiStatements(this.#driver, true);
      return true;
    } catch (err) {
      if (!isServerError(err)) throw err;
      return false;
    }
  }

  async #reset(): Promise<void> {
    if (this.#groups === true) await allowMultiStatements(this.#driver, false);
    this.#groups = undefined;
    await new Promise<void>((resolve, reject) => {
      this.#driver.reset((err) => (err === null ? resolve() : reject(err)));
    });
    await this.#prepare();
    if (this.#database !== undefined) await this.query(`USE ${quoteName(this.#database)}`);
    else if ((await this.rows('SELECT DATABASE() AS name'))[0]?.['name'] !== null)
      throw new Error('a database is left');
    // COM_RESET_CONNECTION leaves it.
    if ((await this.#currentRole()) !== this.#role) throw new Error('the session has another role');
  }

  async #currentRole(): Promise<string | undefined> {
    if (this.#flavour === 'doris') return undefined;
    try {
      const [found] = await this.rows('SELECT CURRENT_ROLE() AS role');
      return found?.['role'] ?? undefined;
    } catch (err) {
      // Before MySQL 8 there are no roles.
      if (!isServerError(err)) throw err;
      return undefined;
    }
  }

  async #execute(sql: string, handler: RowHandler, ended: (end: StatementEnd) => void): Promise<void> {
    // Whoever sent the one before may have given up waiting for it.
    while (this.#command !== undefined) await this.#command.done.catch(() => undefined);
    if (this.#broken !== undefined) throw this.#broken;
    const command = new QueryCommand(sql, {
      handler,
      isUtf8Sent: isUtf8Name(this.#resultCharset),
      ended: (end) => {
        this.#follow(end);
        ended(end);
      },
    });
    this.#command = command;
    try {
      this.#driver.addCommand(command);
      await command.done;
    } catch (err) {
      if (!isServerError(err)) throw this.#broken ?? err;
      throw err;
    } finally {
      this.#command = undefined;
    }
  }

  #follow({ status, variables, schema }: StatementEnd): void {
    this.#status = status;
    if (schema !== undefined) this.#schema = schema === '' ? undefined : schema;
    for (const [name, value] of variables) {
      if (name === 'character_set_client') this.#clientCharset = value;
      if (name === 'character_set_results') this.#resultCharset = value;
    }
  }

  async #within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.destroy(new ConnectionLost(`no answer within ${timeoutMs} ms`)), timeoutMs);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A name in backticks. */
export const quoteName = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

export const isUtf8Name = (charset: string): boolean => /^utf8(mb[34])?$/.test(charset);

const isMariadb = ({ _handshakePacket: packet }: DriverConnection): boolean =>
  /mariadb/i.test(packet?.serverVersion ?? '');
