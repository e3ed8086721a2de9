import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Registry } from 'prom-client';

export interface MetricsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  readonly isReady: () => boolean;
}

/** Serves /metrics, /healthz and /readyz, and nothing else: nobody is asked who they are. Rejects when the port is taken. */
export async function startMetricsServer({ host, port, registry, isReady }: MetricsServerOptions): Promise<Server> {
  const answers: Readonly<Record<string, () => Promise<readonly [status: number, type: string, body: string]>>> = {
    '/metrics': async () => [200, registry.contentType, await registry.metrics()],
    '/healthz': async () => [200, 'text/plain', 'ok\n'],
    '/readyz': async () => (isReady() ? [200, 'text/plain', 'ok\n'] : [503, 'text/plain', 'not ready\n']),
  };
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
    if (answer === undefined || (request.method !== 'GET' && request.method !== 'HEAD'))
      return void response.writeHead(404).end();
    answer().then(
      ([status, type, body]) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}
