import type { Target } from '../../connections/target.ts';
import { NativeConnection } from './native/connection.ts';
import type { ConnectionOptions } from './native/connection.ts';
import { NativeSession } from './native-session.ts';
import type { Session, SessionPool } from './session.ts';
import type { Transport } from './transport.ts';

/** Connections that wait for the next task, for each target. */
const MAX_IDLE = 4;
const IDLE_MS = 60_000;
const PING_MS = 2_000;
/** To end a query, which is to take ten seconds at most. */
const STOP_CONNECT_MS = 4_000;

interface IdleConnection {
  readonly connection: NativeConnection;
  readonly timer: NodeJS.Timeout;
}

/** Keeps connections of the native protocol for the next task, and asks each whether it is still there before its use. */
export class NativePool implements SessionPool {
  readonly #options: ConnectionOptions;
  readonly #idle: IdleConnection[] = [];
  #closed = false;

  constructor(target: Target, { tls }: Transport) {
    const { host, port, database } = target;
    this.#options = {
      ...{ host, port, database },
      user: target.user ?? 'default',
      password: target.password ?? '',
      ...(tls === undefined ? {} : { tls }),
    };
  }

  async open(signal: AbortSignal): Promise<Session> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      clearTimeout(idle.timer);
      const { connection } = idle;
      connection.setWaiting(false);
      if (connection.isIdle && (await connection.ping(PING_MS)) && connection.isIdle) return this.#session(connection);
      connection.destroy();
    }
    return this.#session(await NativeConnection.open(this.#options, signal));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { connection, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      connection.destroy();
    }
  }

  #session(connection: NativeConnection): NativeSession {
    return new NativeSession(connection, {
      open: () => NativeConnection.open({ ...this.#options, connectTimeoutMs: STOP_CONNECT_MS }),
      release: (clean) => this.#release(connection, clean),
    });
  }

  #release(connection: NativeConnection, clean: boolean): void {
    if (!clean || this.#closed || !connection.isIdle || this.#idle.length >= MAX_IDLE) return connection.destroy();
    connection.setWaiting(true);
    const entry = { connection, timer: setTimeout(() => this.#drop(entry), IDLE_MS).unref() };
    this.#idle.push(entry);
  }

  #drop(entry: IdleConnection): void {
    const at = this.#idle.indexOf(entry);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    entry.connection.destroy();
  }
}
