import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Registry } from 'prom-client';

export interface HealthServerOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  /** Whether the program does its work, or stands by to. */
  readonly ready: () => boolean;
}

/** Serves /healthz, /readyz and /metrics. Rejects when the port is taken. */
export async function startHealthServer(options: HealthServerOptions): Promise<Server> {
  const { registry, ready } = options;
  const answers: Record<string, () => Promise<[status: number, type: string, body: string]>> = {
    '/healthz': async () => [200, 'text/plain', 'ok\n'],
    '/readyz': async () => (ready() ? [200, 'text/plain', 'ok\n'] : [503, 'text/plain', 'not ready\n']),
    '/metrics': async () => [200, registry.contentType, await registry.metrics()],
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url?.split('?')[0] ?? ''] ?? (async () => [404, 'text/plain', 'not found\n']);
    answer().then(
      ([status, type, body]) => response.writeHead(status, { 'content-type': type }).end(body),
      (err: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`${String(err)}\n`),
    );
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return server;
}
