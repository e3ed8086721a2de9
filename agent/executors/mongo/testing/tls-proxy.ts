import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:tls';
import { onTestFinished } from 'vitest';

/** Takes TLS connections and passes on what they carry to a server without TLS, until the test has finished. The port. */
export async function tlsProxy(
  certificate: { readonly key: string; readonly cert: string },
  server: { readonly host: string; readonly port: number },
): Promise<number> {
  const sockets = new Set<Socket>();
  const proxy = createServer(certificate, (client) => {
    const upstream = connect(server.port, server.host);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => from.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return (proxy.address() as AddressInfo).port;
}
