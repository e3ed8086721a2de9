import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import type { KubeRequest, KubeResponse, KubeTransport } from './transport.ts';

export interface HttpTransportOptions {
  /** How many connections are kept; a call beyond that waits for a free one. Each watch holds one for as long as it lives. */
  readonly connections?: number;
  /** Value of the header User-Agent, which audit logs and field managers show. */
  readonly userAgent?: string;
}

/** Credentials may rotate on disk (projected tokens) or expire (exec plug-ins): they are asked for again this often. */
const CREDENTIALS_MAX_AGE_MS = 30_000;

/** No data for this long on a watch means a half-open connection: bookmarks come at least once a minute. */
const WATCH_IDLE_TIMEOUT_MS = 90_000;

/** An API server that has not begun to answer a call after this long is treated as unreachable. */
const HEADERS_TIMEOUT_MS = 60_000;

/** Go's servers close idle connections after 90 s, ours say when. A Lease is renewed every few seconds: no handshake each time. */
const KEEP_ALIVE_MS = 60_000;

/** Answers of 401 cause at most one reading of the credentials in this time: an exec plug-in is a process each. */
const REREAD_MIN_AGE_MS = 1000;

interface Connection {
  readonly authorization: string | undefined;
  /** Whom the kubeconfig's user acts as (`as`): without it calls would have other rights than were asked for. */
  readonly impersonate: string | undefined;
  /** Path of the server's address, without a slash at the end. */
  readonly prefix: string;
  readonly pool: Pool;
}

/**
 * A pool of keep-alive connections to the current cluster of a kubeconfig. client-node itself opens a TLS connection per
 * call (measured: 154 calls/s against 2,000/s through one pool), so of client-node only the reading of kubeconfigs and
 * the credentials are used: docs/adr/0006.
 */
export class HttpTransport implements KubeTransport {
  readonly #config: KubeConfig;
  readonly #options: Required<HttpTransportOptions>;
  #connection: Promise<Connection> | undefined;
  #readAt = -Infinity;
  #current: { readonly pool: Pool; readonly tls: string } | undefined;
  /** The current pool, and those with older certificates for as long as their last calls go on. */
  readonly #pools = new Set<Pool>();
  #closed = false;

  constructor(config: KubeConfig, options: HttpTransportOptions = {}) {
    this.#config = config;
    this.#options = { connections: 64, userAgent: 'tiangong', ...options };
  }

  async send(request: KubeRequest): Promise<KubeResponse> {
    const connection = await this.#connect(CREDENTIALS_MAX_AGE_MS);
    let response = await this.#request(connection, request);
    if (response.statusCode === 401) {
      const fresh = await this.#connect(REREAD_MIN_AGE_MS).catch(() => connection);
      // A call that was refused for its credentials has done nothing: with others it may be sent again.
      if (fresh.authorization !== connection.authorization || fresh.pool !== connection.pool) {
        await response.body.dump();
        response = await this.#request(fresh, request);
      }
    }
    const { statusCode, headers, body } = response;
    return { status: statusCode, headers, text: () => body.text(), chunks: () => body };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#pools].map((pool) => pool.destroy()));
  }

  #request(
    { authorization, impersonate, prefix, pool }: Connection,
    request: KubeRequest,
  ): Promise<Dispatcher.ResponseData> {
    return pool.request({
      method: request.method,
      path: prefix + request.path,
      headers: {
        accept: request.accept ?? 'application/json',
        'user-agent': this.#options.userAgent,
        ...(authorization === undefined ? {} : { authorization }),
        ...(impersonate === undefined ? {} : { 'impersonate-user': impersonate }),
        ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: request.body }),
      ...(request.idleTimeoutMs === undefined ? {} : { bodyTimeout: request.idleTimeoutMs }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
  }

  #connect(maxAgeMs: number): Promise<Connection> {
    if (this.#closed) return Promise.reject(new Error('the connection to the API server is closed'));
    if (this.#connection !== undefined && performance.now() - this.#readAt <= maxAgeMs) return this.#connection;
    this.#readAt = performance.now();
    const connection = this.#open();
    this.#connection = connection;
    connection.catch(() => {
      // The next call tries again.
      if (this.#connection === connection) this.#connection = undefined;
    });
    return connection;
  }

  async #open(): Promise<Connection> {
    const server = this.#config.getCurrentCluster()?.server;
    if (server === undefined) throw new Error('the kubeconfig has no current cluster');
    const { origin, pathname } = new URL(server);
    const options: RequestOptions & { headers?: Record<string, string> } = { headers: {} };
    await this.#config.applyToHTTPSOptions(options);
    const basic =
      typeof options.auth === 'string' ? `Basic ${Buffer.from(options.auth).toString('base64')}` : undefined;
    return {
      authorization: options.headers?.['Authorization'] ?? basic,
      impersonate: options.headers?.['Impersonate-User'],
      prefix: pathname.replace(/\/$/, ''),
      pool: this.#poolFor(origin, options),
    };
  }

  #poolFor(origin: string, { ca, cert, key, servername, rejectUnauthorized = true }: RequestOptions): Pool {
    const connect = Object.fromEntries(
      Object.entries({ ca, cert, key, servername, rejectUnauthorized }).filter(([, value]) => value !== undefined),
    );
    const tls = JSON.stringify(connect);
    if (this.#closed) throw new Error('the connection to the API server is closed');
    if (this.#current?.tls === tls) return this.#current.pool;
    const pool = new Pool(origin, {
      connections: this.#options.connections,
      pipelining: 1,
      // Measured without a gain; and a connection that hangs would take all watches with it.
      allowH2: false,
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: WATCH_IDLE_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect,
    });
    const outdated = this.#current?.pool;
    // Calls under way end on the old connections.
    void outdated?.close().then(
      () => this.#pools.delete(outdated),
      () => this.#pools.delete(outdated),
    );
    this.#pools.add(pool);
    this.#current = { pool, tls };
    return pool;
  }
}
