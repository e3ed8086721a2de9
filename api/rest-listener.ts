import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { isLoopback } from './loopback.ts';
import { startMetricsServer } from './metrics/metrics-server.ts';
import type { ApiSettings } from './settings.ts';
import { readTlsPair, watchTlsPair } from './tls-files.ts';

export interface RestListenerParts {
  readonly app: RequestListener;
  readonly settings: Pick<ApiSettings, 'host' | 'port' | 'auth' | 'tls' | 'metricsPort'>;
  readonly registry: Registry;
  readonly isReady: () => boolean;
  readonly logger: Logger;
}

/** Requests that are under way at the end get this long; waiting ones are answered at once. */
const CLOSE_GRACE_MS = 5000;

/** Node's own five minutes for a whole request are too few for a large file on a slow line. */
const TIMEOUTS = { headersTimeout: 60_000, requestTimeout: 24 * 3600 * 1000 } as const;

/** Listens for the REST API, by HTTP or HTTPS, and on a port of its own for metrics. */
export class RestListener {
  readonly #parts: RestListenerParts;
  readonly #server: Server;
  readonly #unwatch: () => void;
  #metrics: Server | undefined;

  /** Throws when the certificate or its key cannot be used. */
  constructor(parts: RestListenerParts) {
    const { app, settings, logger } = parts;
    this.#parts = parts;
    const { tls } = settings;
    if (tls === undefined) {
      this.#server = createServer(TIMEOUTS, app);
      this.#unwatch = () => undefined;
      return;
    }
    const pair = readTlsPair(tls);
    const server: TlsServer = createTlsServer({ ...TIMEOUTS, ...pair, minVersion: 'TLSv1.2' }, app);
    this.#server = server;
    this.#unwatch = watchTlsPair(tls, pair, {
      onChange: (changed) => {
        server.setSecureContext({ ...changed, minVersion: 'TLSv1.2' });
        logger.info({ certFile: tls.certFile }, 'the certificate has been renewed');
      },
      onError: (err) => logger.error({ err }, 'the new certificate cannot be used; the one before stays in use'),
    });
  }

  /** Rejects when an address cannot be had. Call it once. */
  async listen(): Promise<{ url: string; port: number; metricsPort: number | undefined }> {
    const { host, port, auth, tls, metricsPort } = this.#parts.settings;
    if (auth === 'kubernetes' && tls === undefined && !isLoopback(host))
      this.#parts.logger.warn(
        { host },
        'tokens come by plain HTTP: give the API a certificate, or put a proxy with one in front',
      );
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    if (metricsPort !== undefined) {
      this.#metrics = await startMetricsServer({ ...this.#parts, host, port: metricsPort }).catch(
        async (err: unknown) => {
          await this.close();
          throw err;
        },
      );
    }
    const bound = portOf(this.#server) ?? port;
    const name = host.includes(':') ? `[${host}]` : host;
    return {
      url: `${tls === undefined ? 'http' : 'https'}://${name}:${bound}`,
      port: bound,
      metricsPort: this.#metrics && portOf(this.#metrics),
    };
  }

  /** Answers what is under way, then stops. */
  async close(): Promise<void> {
    this.#unwatch();
    const servers = this.#metrics === undefined ? [this.#server] : [this.#server, this.#metrics];
    const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    // A connection whose last answer has been sent is idle, and would be kept for the next request.
    const idle = setInterval(() => {
      for (const server of servers) server.closeIdleConnections();
    }, 20);
    const cutOff = setTimeout(() => {
      for (const server of servers) server.closeAllConnections();
    }, CLOSE_GRACE_MS);
    await Promise.all(closed);
    clearInterval(idle);
    clearTimeout(cutOff);
  }
}

const portOf = (server: Server): number | undefined => (server.address() as AddressInfo | null)?.port;
