import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Duplex } from 'node:stream';
import { createConnection } from 'mysql2';
import type { Target } from '../../../connections/target.ts';
import type { TlsAttempt } from '../../database/tls-attempts.ts';
import { MessageBound } from './message-bound.ts';
import type { Packet } from './packet-reader.ts';

/** What the driver calls on a command that it is given. */
export interface DriverCommand {
  execute(packet: Packet | undefined, connection: DriverConnection): boolean;
  onResult(err: Error | null): void;
}

/** The parts of the driver's connection that are used here: its login and its reading of packets. */
export interface DriverConnection {
  stream: Duplex & { destroy(error?: Error): void };
  packetParser: { execute(chunk: Buffer): void };
  sequenceId: number;
  readonly threadId: number;
  readonly serverCapabilityFlags: number;
  readonly _handshakePacket: { readonly serverVersion: string } | null;
  readonly _mariadbExtendedMetadata: boolean;
  /** Of ours: both sides agreed on CLIENT_SESSION_TRACK. */
  tracksSession: boolean;
  _resetSequenceId(): void;
  _bumpSequenceId(packets: number): void;
  _handleNetworkError(err: Error): void;
  addCommand(command: DriverCommand): void;
  reset(callback: (err: Error | null) => void): void;
  startTLS(onSecure: (err?: Error) => void): void;
  end(callback: () => void): void;
  on(event: 'error' | 'warn', listener: (err: Error) => void): this;
  on(event: 'end' | 'connect', listener: () => void): this;
}

export interface DriverOptions {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly tls: TlsAttempt;
  readonly connectTimeoutMs: number;
}

const KEEP_ALIVE_MS = 30_000;
const SESSION_TRACK = 0x00800000;
/** utf8mb4_general_ci: every server knows it, unlike the driver's own default. SET NAMES makes it the server's default. */
const UTF8MB4 = 'UTF8MB4_GENERAL_CI';
/**
 * Off are: FOUND_ROWS, so that affected rows are changed rows; LOCAL_FILES, with which a server could ask for any file;
 * IGNORE_SPACE and ODBC, which change how SQL is read.
 */
const FLAGS = ['-FOUND_ROWS', '-LOCAL_FILES', '-IGNORE_SPACE', '-ODBC', '-CLIENT_QUERY_ATTRIBUTES'];

/** Begins to connect; `connect` or `error` tells how that ended. */
export function openDriver({ host, port }: Target, options: DriverOptions): DriverConnection {
  const { user, password, database, tls, connectTimeoutMs } = options;
  const connection = createConnection({
    host,
    port,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(database === undefined ? {} : { database }),
    ...(tls === false ? {} : { ssl: {} }),
    charset: UTF8MB4,
    flags: FLAGS,
    connectTimeout: connectTimeoutMs,
    enableKeepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    connectAttributes: { program_name: 'tiangong' },
  }) as unknown as DriverConnection;
  boundMessages(connection);
  if (tls !== false) connection.startTLS = (onSecure) => startTls(connection, host, tls, onSecure);
  connection.on('connect', () => {
    connection.tracksSession = (connection.serverCapabilityFlags & SESSION_TRACK) !== 0;
  });
  // The driver would go on after packets that are out of order.
  connection.on('warn', (err) => {
    connection._handleNetworkError(err);
    connection.stream.destroy();
  });
  return connection;
}

/**
 * In place of the driver's, which checks a certificate against `localhost` when the target is an address, and keeps
 * sessions of TLS between targets that check in different ways.
 */
function startTls(
  connection: DriverConnection,
  host: string,
  tls: Exclude<TlsAttempt, false>,
  onSecure: (err?: Error) => void,
): void {
  let established = false;
  connection.stream.removeAllListeners('data');
  const stream = connectTls(
    { ...tls, socket: connection.stream, host, ...(isIP(host) === 0 ? { servername: host } : {}) },
    () => {
      established = true;
      onSecure();
    },
  );
  stream.on('error', (err: Error) => (established ? connection._handleNetworkError(err) : onSecure(err)));
  stream.on('data', (chunk: Buffer) => connection.packetParser.execute(chunk));
  connection.stream = stream;
}

/** Ends the connection before a message that is longer than the agent takes is in memory. */
function boundMessages(connection: DriverConnection): void {
  const bound = new MessageBound();
  const parser = connection.packetParser;
  connection.on('connect', () => bound.endGreeting());
  connection.packetParser = {
    execute: (chunk) => {
      const refusal = bound.take(chunk);
      parser.execute(refusal === undefined ? chunk : chunk.subarray(0, refusal.at));
      if (refusal !== undefined) connection.stream.destroy(new Error(refusal.why));
    },
  };
}
