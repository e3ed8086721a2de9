import { randomInt, randomUUID } from 'node:crypto';
import type { Target } from '../../../../connections/target.ts';
import { isServerError } from '../../session/server-error.ts';
import { MysqlSession } from '../../session/session.ts';
import type { Flavour } from '../../session/session.ts';
import { BinlogError } from '../binlog-error.ts';
import { showPosition } from '../binlog-position.ts';
import { DumpCommand } from './dump-command.ts';
import type { LogStart } from './dump-command.ts';

/** How often the server says that there is nothing new. */
const HEARTBEAT_MS = 2000;
/** Longer without a word, and the server or the way to it is gone. */
const SILENCE_MS = 30_000;
/** How long the server may wait for us while we do not read. */
const HELD_BACK_S = 3600;
/** Servers number themselves from 1: ours come from the upper half. */
const FIRST_SERVER_ID = 2 ** 31;
const MAX_POSITION = 2 ** 32 - 1;
const NO_SUCH_FILE = 1236;
const DENIED: readonly number[] = [1044, 1045, 1142, 1227];

export interface LogLogin {
  readonly user?: string;
  readonly password?: string;
}

export interface LogOptions extends LogLogin {
  /** How often the server says that there is nothing new; two seconds unless set. */
  readonly heartbeatMs?: number;
}

/** A connection on which the server sends its log. To be closed by whoever opened it. */
export class LogConnection {
  readonly flavour: Flavour;
  /** Whether events carry a CRC32 until the first format description says so itself. */
  readonly hasChecksums: boolean;
  /** Names of character sets by the number of a collation, as this server has them. */
  readonly charsets: ReadonlyMap<number, string>;
  readonly #session: MysqlSession;
  readonly #dump: DumpCommand;

  private constructor(
    session: MysqlSession,
    dump: DumpCommand,
    known: { hasChecksums: boolean; charsets: ReadonlyMap<number, string> },
  ) {
    this.flavour = session.flavour;
    this.hasChecksums = known.hasChecksums;
    this.charsets = known.charsets;
    this.#session = session;
    this.#dump = dump;
  }

  /** Connects and asks for the log. Rejects with `BinlogError`; what the server refuses comes with the first event. */
  static async open(target: Target, from: LogStart, options: LogOptions = {}): Promise<LogConnection> {
    if ('position' in from && from.position > MAX_POSITION)
      throw new BinlogError(
        'NotInLog',
        `${showPosition(from)} is beyond the first 4 GiB of its file: FLUSH BINARY LOGS`,
      );
    const session = await openSession(target, options);
    try {
      const hasChecksums = await announce(session, options.heartbeatMs ?? HEARTBEAT_MS);
      const charsets = await readCharsets(session);
      const dump = new DumpCommand(from, FIRST_SERVER_ID + randomInt(FIRST_SERVER_ID));
      session.handOver(dump);
      return new LogConnection(session, dump, { hasChecksums, charsets });
    } catch (err) {
      session.destroy();
      throw asBinlogError(err);
    }
  }

  /** All bytes of the next event. Rejects with `BinlogError`; then, or when the signal aborts, it is of no more use. */
  async next(signal: AbortSignal): Promise<Buffer> {
    signal.throwIfAborted();
    const stop = (): void => this.close();
    signal.addEventListener('abort', stop, { once: true });
    let silent = false;
    const timer = setTimeout(() => {
      silent = true;
      this.close();
    }, SILENCE_MS);
    try {
      return await this.#dump.next();
    } catch (err) {
      signal.throwIfAborted();
      if (silent) throw new BinlogError('Unavailable', `the server has sent nothing of its log for ${SILENCE_MS} ms`);
      throw asBinlogError(err);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  /** All bytes of the next event if they have come already. */
  waiting(): Buffer | undefined {
    return this.#dump.waiting();
  }

  /** The server notices with its next word. */
  close(): void {
    this.#session.destroy();
  }
}

/** Whoever reads the log needs no right to a database. Rejects with `BinlogError`. */
export async function openSession(target: Target, login: LogLogin): Promise<MysqlSession> {
  try {
    return await MysqlSession.connect({ ...target, database: '' }, login);
  } catch (err) {
    throw asBinlogError(err);
  }
}

/** Says how events are to be sent. Resolves with whether they have checksums. */
async function announce(session: MysqlSession, heartbeatMs: number): Promise<boolean> {
  const uuid = randomUUID();
  const nanoseconds = heartbeatMs * 1_000_000;
  const settings =
    session.flavour === 'mariadb'
      ? // 4: knows MariaDB's GTIDs, and compressed events with them.
        ['@mariadb_slave_capability=4']
      : // A second reader without a name of its own would end the first. Both names: the old ones go.
        [
          `@replica_uuid='${uuid}', @slave_uuid='${uuid}'`,
          `@source_binlog_checksum=@@GLOBAL.binlog_checksum, @source_heartbeat_period=${nanoseconds}`,
        ];
  const common = [
    `@master_binlog_checksum=@@GLOBAL.binlog_checksum, @master_heartbeat_period=${nanoseconds}`,
    `SESSION net_write_timeout=${HELD_BACK_S}`,
  ];
  await session.query(`SET ${[...settings, ...common].join(', ')}`);
  const [row] = await session.rows('SELECT @@GLOBAL.binlog_checksum AS algorithm');
  return row?.['algorithm'] !== 'NONE';
}

async function readCharsets(session: MysqlSession): Promise<ReadonlyMap<number, string>> {
  const known = 'SELECT ID AS id, CHARACTER_SET_NAME AS charset FROM information_schema';
  const read = (table: string): Promise<readonly Record<string, string | null>[]> => session.rows(`${known}.${table}`);
  // Since MariaDB 10.10 a collation is of several character sets, and only this table has all numbers.
  const rows = await read('COLLATION_CHARACTER_SET_APPLICABILITY').catch(() => read('COLLATIONS'));
  const charsets = new Map<number, string>();
  for (const { id, charset } of rows) if (id !== null && charset !== null) charsets.set(Number(id), charset ?? '');
  return charsets;
}

function asBinlogError(err: unknown): BinlogError {
  if (err instanceof BinlogError) return err;
  const { message } = err as Error;
  if (!isServerError(err)) return new BinlogError('Unavailable', `the binary log: ${message}`, { cause: err });
  if (DENIED.includes(err.errno))
    return new BinlogError(
      'AccessDenied',
      `the binary log may not be read: ${message}. GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO the login`,
      { cause: err },
    );
  const reason = err.errno === NO_SUCH_FILE ? 'NotInLog' : 'Unavailable';
  return new BinlogError(reason, `the binary log: ${message}`, { cause: err });
}
