import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { Pool } from 'undici';
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

/**
 * A pool of keep-alive connections to the current cluster of a kubeconfig. client-node itself opens a TLS connection per
 * call (measured: 154 calls/s against 2,000/s through one pool), so of client-node only the reading of kubeconfigs and
 * the credentials are used: docs/adr/0006.
 */
export class HttpTransport implements KubeTransport {
  readonly #config: KubeConfig;
  readonly #options: Required<HttpTransportOptions>;
  #credentials: Promise<{ authorization: string | undefined; pool: Pool }> | undefined;
  #readAt = 0;
  #pool: { pool: Pool; tls: string } | undefined;

  constructor(config: KubeConfig, options: HttpTransportOptions = {}) {
    this.#config = config;
    this.#options = { connections: 64, userAgent: 'tiangong', ...options };
  }

  async send(request: KubeRequest): Promise<KubeResponse> {
    const { authorization, pool } = await this.#connect();
    const response = await pool.request({
      method: request.method,
      path: this.#prefix() + request.path,
      headers: {
        accept: request.accept ?? 'application/json',
        'user-agent': this.#options.userAgent,
        ...(authorization === undefined ? {} : { authorization }),
        ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: request.body }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
    if (response.statusCode === 401) this.#credentials = undefined;
    return {
      status: response.statusCode,
      headers: response.headers,
      text: () => response.body.text(),
      chunks: () => response.body,
    };
  }

  async close(): Promise<void> {
    await this.#pool?.pool.destroy();
  }

  #prefix(): string {
    const path = new URL(this.#server()).pathname;
    return path === '/' ? '' : path.replace(/\/$/, '');
  }

  #server(): string {
    const server = this.#config.getCurrentCluster()?.server;
    if (server === undefined) throw new Error('the kubeconfig has no current cluster');
    return server;
  }

  #connect(): Promise<{ authorization: string | undefined; pool: Pool }> {
    if (this.#credentials === undefined || performance.now() - this.#readAt > CREDENTIALS_MAX_AGE_MS) {
      this.#readAt = performance.now();
      this.#credentials = this.#readCredentials();
      // A failed read is tried again by the next call.
      this.#credentials.catch(() => (this.#credentials = undefined));
    }
    return this.#credentials;
  }

  async #readCredentials(): Promise<{ authorization: string | undefined; pool: Pool }> {
    const options: RequestOptions & { headers?: Record<string, string> } = { headers: {} };
    await this.#config.applyToHTTPSOptions(options);
    const basic =
      typeof options.auth === 'string' ? `Basic ${Buffer.from(options.auth).toString('base64')}` : undefined;
    const connect = {
      ca: options.ca,
      cert: options.cert,
      key: options.key,
      servername: options.servername,
      rejectUnauthorized: options.rejectUnauthorized ?? true,
    };
    const tls = JSON.stringify(connect, (_key, value: unknown) =>
      Buffer.isBuffer(value) ? value.toString('base64') : value,
    );
    if (this.#pool?.tls !== tls) {
      const pool = new Pool(new URL(this.#server()).origin, {
        connections: this.#options.connections,
        pipelining: 1,
        headersTimeout: HEADERS_TIMEOUT_MS,
        bodyTimeout: WATCH_IDLE_TIMEOUT_MS,
        connect: Object.fromEntries(Object.entries(connect).filter(([, value]) => value !== undefined)),
      });
      // New certificates: calls under way finish on the old connections.
      void this.#pool?.pool.close();
      this.#pool = { pool, tls };
    }
    return { authorization: options.headers?.['Authorization'] ?? basic, pool: this.#pool.pool };
  }
}
