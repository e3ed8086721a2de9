import { Agent as HttpAgent } from 'node:http';
import type { AgentOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { createClient, ClickHouseLogLevel } from '@clickhouse/client';
import type { ClickHouseClient } from '@clickhouse/client';
import { addressRulesOf } from '../../../connections/target.ts';
import type { Target } from '../../../connections/target.ts';
import type { Session, SessionPool } from '../session.ts';
import type { Transport } from '../transport.ts';
import { HttpSession } from './http-session.ts';

/** Tasks of one target at once, twice: each may ask for its progress beside its statement. */
const MAX_SOCKETS = 128;
const CONNECT_TIMEOUT_MS = 10_000;
/** Statements are bounded by their task's deadline; the client knows only silence, which is no fault. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Sessions by HTTP or HTTPS with ClickHouse's own client. */
export class HttpPool implements SessionPool {
  readonly #client: ClickHouseClient;
  readonly #agent: HttpAgent;
  readonly #database: string;

  constructor(target: Target, { tls }: Transport) {
    const { host, port } = target;
    this.#database = target.database;
    const { lookup } = addressRulesOf(target);
    const options = { keepAlive: true, maxSockets: MAX_SOCKETS, lookup } as AgentOptions;
    this.#agent = tls === undefined ? new ImpatientAgent(options) : new ImpatientSecureAgent({ ...options, ...tls });
    const url = new URL(`${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`);
    this.#client = createClient({
      ...{ url, http_agent: this.#agent },
      username: target.user ?? 'default',
      password: target.password ?? '',
      application: 'tiangong',
      request_timeout: MAX_TIMER_MS,
      // Servers close connections that nobody uses after three seconds; a statement sent on one of these would be lost.
      keep_alive: { enabled: true, idle_socket_ttl: 2_000, eagerly_destroy_stale_sockets: true },
      // Failures are told by the task itself.
      log: { level: ClickHouseLogLevel.OFF },
    });
  }

  open(signal: AbortSignal): Promise<Session> {
    return HttpSession.open(this.#client, this.#database, signal);
  }

  async close(): Promise<void> {
    await this.#client.close();
    this.#agent.destroy();
  }
}

class ImpatientAgent extends HttpAgent {
  override createConnection(...args: Parameters<HttpAgent['createConnection']>): Duplex | null | undefined {
    return impatient(super.createConnection(...args), 'connect');
  }
}

class ImpatientSecureAgent extends HttpsAgent {
  override createConnection(...args: Parameters<HttpsAgent['createConnection']>): Duplex | null | undefined {
    return impatient(super.createConnection(...args), 'secureConnect');
  }
}

/** A host that does not answer at all fails in seconds, not minutes. */
function impatient(socket: Duplex | null | undefined, connected: string): Duplex | null | undefined {
  const timer = setTimeout(
    () => socket?.destroy(new Error(`no answer within ${CONNECT_TIMEOUT_MS} ms`)),
    CONNECT_TIMEOUT_MS,
  );
  socket?.once(connected, () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  return socket;
}
