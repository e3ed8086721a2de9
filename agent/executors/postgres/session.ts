import { Client } from 'pg';
import type { Connection } from 'pg';
import type { Target } from '../../connections/target.ts';
import { tlsAttempts } from '../database/tls-attempts.ts';
import type { TlsAttempt } from '../database/tls-attempts.ts';
import { requestCancel } from './cancel-request.ts';
import { boundMessages } from './message-bound.ts';
import { ConnectionLost } from './statement-error.ts';
import { StatementQuery } from './statement-query.ts';
import type { QueryHandler } from './statement-query.ts';

/** A message of the server that no statement asked for. */
export interface Notice {
  readonly severity?: string | undefined;
  readonly message?: string | undefined;
}

/** Whether a transaction is open: the server's own word after each query. */
export type TransactionState = 'none' | 'open' | 'failed';

/** The server asks for a password and the task gives none. */
export class PasswordMissing extends Error {
  override readonly name = 'PasswordMissing';

  constructor() {
    super('the server asks for a password, and the task gives none: name a Secret in secret_ref');
  }
}

/** Drops what a query brings. */
export const NO_ROWS: QueryHandler = { columns: () => undefined, row: () => undefined, complete: () => undefined };
/** How long a server may take to accept a connection, login included. */
const CONNECT_MS = 15_000;
const KEEP_ALIVE_MS = 30_000;
const STATES: Readonly<Record<string, TransactionState>> = { I: 'none', T: 'open', E: 'failed' };

/** What a session can be given to send: `StatementQuery`, or another with the methods that `pg` calls. */
export interface SessionQuery {
  submit(connection: Connection): void;
  handleError(err: unknown, connection: Connection): void;
  /** Nothing more is read until the work is done. */
  hold(work: Promise<void> | undefined): void;
}

export interface SessionOptions {
  /** A connection to the server's log, as PostgreSQL's documentation has it: "Streaming Replication Protocol". */
  readonly replication?: boolean;
}

/** What `pg`'s client has beside its declared members. */
type DriverClient = Client & {
  readonly connection: Connection;
  readonly secretKey: number;
  readonly processID: number;
};

/** One connection to a server, logged in. */
export class Session {
  readonly #client: DriverClient;
  readonly target: Target;
  readonly #tls: TlsAttempt;
  readonly openedAt = performance.now();
  #transaction: TransactionState = 'none';
  #encoding = 'UTF8';
  #broken: Error | undefined;
  #query: SessionQuery | undefined;
  /** Told what the server says beside its answers; a promise holds it back. */
  onNotice: (notice: Notice) => Promise<void> | undefined = () => undefined;

  private constructor(target: Target, tls: TlsAttempt, options: SessionOptions) {
    this.target = target;
    this.#tls = tls;
    this.#client = createClient(target, tls, options);
    this.#client.on('error', (err: Error) => (this.#broken ??= err));
    this.#client.on('end', () => (this.#broken ??= new ConnectionLost('the connection was closed')));
    this.#client.on('notice', (notice) => this.#query?.hold(this.onNotice(notice)));
    this.#client.connection.on('readyForQuery', ({ status }: { status: string }) => {
      this.#transaction = STATES[status] ?? 'none';
    });
    this.#client.connection.on('parameterStatus', (status: { parameterName: string; parameterValue: string }) => {
      if (status.parameterName === 'client_encoding') this.#encoding = status.parameterValue;
    });
  }

  /** Connects once, or twice where sslmode says so. Rejects with the server's error or the network's. */
  static async connect(target: Target, options: SessionOptions = {}): Promise<Session> {
    const attempts = tlsAttempts(target);
    if (typeof attempts === 'string') throw new Error(attempts);
    let failure: unknown;
    for (const tls of attempts) {
      const session = new Session(target, tls, options);
      const loggedIn = boundMessages(session.#client.connection);
      try {
        await session.#client.connect();
        loggedIn();
        return session;
      } catch (err) {
        session.destroy();
        failure ??= err;
        if (!isRefusalOfMode(err)) break;
      }
    }
    throw failure;
  }

  /** The number of the server's process. */
  get pid(): number {
    return this.#client.processID;
  }

  get encrypted(): boolean {
    return this.#tls !== false;
  }

  get transaction(): TransactionState {
    return this.#transaction;
  }

  /** In which encoding the server takes text to be: the driver sends UTF-8 only. */
  get encoding(): string {
    return this.#encoding;
  }

  /** Why it can be used no more. */
  get broken(): Error | undefined {
    return this.#broken;
  }

  /** Sends a query; only one at a time. */
  send(query: SessionQuery): void {
    this.#query = query;
    if (this.#broken === undefined) this.#client.query(query);
    else query.handleError(this.#broken, this.#client.connection);
  }

  /** Executes what brings no rows that matter, within this many milliseconds; else the connection is destroyed. */
  async execute(text: string, timeoutMs: number): Promise<void> {
    await this.#answer(new StatementQuery(text, NO_ROWS), timeoutMs);
  }

  /** What a query of ours brings, each value as the server writes it. With `each` rows are given there and not kept. */
  async rows(
    text: string,
    timeoutMs: number,
    each?: (row: readonly (string | null)[]) => void,
  ): Promise<(readonly (string | null)[])[]> {
    const found: (readonly (string | null)[])[] = [];
    const row = (values: readonly (string | null)[]): undefined => {
      if (each === undefined) found.push(values);
      else each(values);
    };
    await this.#answer(new StatementQuery(text, { ...NO_ROWS, row }), timeoutMs);
    return found;
  }

  /** Drops what a task set: parameters, temporary tables, locks, prepared statements. */
  forget(timeoutMs: number): Promise<void> {
    return this.execute('DISCARD ALL', timeoutMs);
  }

  /** Asks the server to cancel what it executes here. */
  cancel(): Promise<void> {
    const { host, port } = this.target;
    return requestCancel({ host, port, tls: this.#tls, pid: this.pid, secretKey: this.#client.secretKey });
  }

  /** Closes it at once. What the server executes may go on there. */
  destroy(reason?: Error): void {
    this.#broken ??= reason ?? new ConnectionLost('the connection was closed');
    this.#client.connection.stream.destroy(reason);
  }

  /** Says goodbye; within a second or not at all. */
  async end(): Promise<void> {
    this.#broken ??= new ConnectionLost('the connection was closed');
    const timer = setTimeout(() => this.destroy(), 1000);
    await this.#client.end().catch(() => undefined);
    clearTimeout(timer);
  }

  async #answer(query: StatementQuery, timeoutMs: number): Promise<void> {
    this.send(query);
    const timer = setTimeout(() => this.destroy(new ConnectionLost(`no answer within ${timeoutMs} ms`)), timeoutMs);
    try {
      await query.done;
    } finally {
      clearTimeout(timer);
    }
  }
}

function createClient(target: Target, tls: TlsAttempt, { replication = false }: SessionOptions): DriverClient {
  const { host, port, user, password, database } = target;
  return new Client({
    host,
    port,
    user: user ?? 'postgres',
    database,
    // As a function: else the driver would look for one in the agent's environment and home folder.
    password: () => {
      if (password === undefined) throw new PasswordMissing();
      return password;
    },
    ssl: tls,
    ...(replication && { replication: 'database' }),
    application_name: 'tiangong',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  }) as DriverClient;
}

/**
 * Whether the server or TLS refused the kind of connection, so that libpq would try the other one: no TLS there, a
 * handshake that failed, or no line in pg_hba.conf (28000). A wrong password (28P01) is not sent twice.
 */
function isRefusalOfMode(err: unknown): boolean {
  const { code, message } = err as NodeJS.ErrnoException;
  if (code !== undefined) return code === '28000' || code.startsWith('ERR_SSL') || code === 'EPROTO';
  return /\b(SSL|TLS)\b/.test(message);
}
