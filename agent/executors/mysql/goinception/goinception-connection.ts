import { createConnection } from 'mysql2';
import type { Connection, QueryError } from 'mysql2';
import { toInceptionRow } from './result-row.ts';
import type { InceptionRow } from './result-row.ts';

/** The connection to goInception ended before it answered. */
export class InceptionLost extends Error {
  override readonly name = 'InceptionLost';
}

/** What goInception says a connection of its own is doing. */
export interface InceptionProcess {
  readonly id: number;
  readonly destHost: string;
  readonly destPort: number;
  /** CHECKING, EXECUTING, BACKUP. */
  readonly state: string;
  /** `22.22%` */
  readonly percent: string;
}

const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_MS = 10_000;
/** goInception takes any login. */
const USER = 'tiangong';
/** An answer holds the text that was sent, and a line or two for each statement. */
const MAX_ANSWER_CHARS = 256 * 1024 * 1024;

type Values = Readonly<Record<string, string | null>>;

/**
 * A connection to goInception, which speaks MySQL's protocol without prepared statements and without a default
 * database. It is for one text: what it was told of the target stays with it.
 */
export class InceptionConnection {
  readonly #connection: Connection;
  #lost: Error | undefined;
  readonly #ended = Promise.withResolvers<void>();

  private constructor(connection: Connection) {
    this.#connection = connection;
    const end = (err?: Error): void => {
      this.#lost ??= new InceptionLost(err?.message ?? 'the connection was closed', { cause: err });
      this.#ended.resolve();
    };
    connection.on('error', end).on('end', () => end());
  }

  /** Rejects with what the network or goInception says. */
  static async connect(address: { readonly host: string; readonly port: number }): Promise<InceptionConnection> {
    const connection = createConnection({
      host: address.host,
      port: address.port,
      user: USER,
      password: '',
      connectTimeout: CONNECT_TIMEOUT_MS,
      enableKeepAlive: true,
      charset: 'UTF8MB4_GENERAL_CI',
    });
    const made = new InceptionConnection(connection);
    try {
      await new Promise<void>((resolve, reject) => {
        connection.connect((err) => (err === null ? resolve() : reject(err)));
      });
      // Without a query before it, the text that follows does not show in the process list.
      await made.#within('select 1');
      return made;
    } catch (err) {
      connection.destroy();
      throw err;
    }
  }

  /** Its number in goInception's process list, for `kill`. */
  get id(): number {
    return this.#connection.threadId;
  }

  /** Sends a text and gives the rows of the answer. Rejects with `InceptionLost`, or with an error of goInception. */
  async audit(text: string): Promise<readonly InceptionRow[]> {
    const rows: InceptionRow[] = [];
    let chars = 0;
    await this.#query(text, (values) => {
      const row = toInceptionRow(values);
      chars += row.sql.length + (row.error?.length ?? 0);
      if (chars > MAX_ANSWER_CHARS) throw new Error('the answer of goInception is too long');
      rows.push(row);
    });
    return rows;
  }

  async processes(): Promise<readonly InceptionProcess[]> {
    const found: InceptionProcess[] = [];
    await this.#within('inception show processlist', (values) => {
      found.push({
        id: Number(values['Id']),
        destHost: values['Dest_Host'] ?? '',
        destPort: Number(values['Dest_Port']),
        state: values['STATE'] ?? '',
        percent: values['Percent'] ?? '',
      });
    });
    return found;
  }

  /** Asks goInception to end what another connection does; it does so after the statement that is being executed. */
  async kill(id: number): Promise<void> {
    await this.#within(`kill ${id}`);
  }

  /** Closes it at once; what goInception does for it goes on. */
  destroy(): void {
    this.#lost ??= new InceptionLost('the connection was closed');
    this.#connection.destroy();
    this.#ended.resolve();
  }

  /** What goInception answers at once, or not at all. */
  async #within(sql: string, row: (values: Values) => void = () => undefined): Promise<void> {
    const timer = setTimeout(() => {
      this.#lost ??= new InceptionLost(`no answer within ${ANSWER_MS} ms`);
      this.destroy();
    }, ANSWER_MS);
    try {
      await this.#query(sql, row);
    } finally {
      clearTimeout(timer);
    }
  }

  async #query(sql: string, row: (values: Values) => void): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    const answered = new Promise<void>((resolve, reject) => {
      // Its columns name no character set; the text is UTF-8.
      const query = this.#connection.query({
        sql,
        typeCast: (field) => field.buffer()?.toString('utf8') ?? null,
      });
      query
        .on('result', (values) => {
          try {
            row(values as Values);
          } catch (err) {
            reject(err instanceof Error ? err : new Error(String(err)));
            this.destroy();
          }
        })
        .on('error', (err) => reject(isNetworkError(err) ? new InceptionLost(err.message, { cause: err }) : err))
        .on('end', resolve);
    });
    // Whoever waits for the one need not hear of the other.
    answered.catch(() => undefined);
    await Promise.race([
      answered,
      this.#ended.promise.then(() => {
        throw this.#lost ?? new InceptionLost('the connection was closed');
      }),
    ]);
  }
}

/** The driver's own errors, and those of the socket, have no state of a server's error. */
const isNetworkError = ({ sqlState }: QueryError): boolean => sqlState === undefined || sqlState === '';
