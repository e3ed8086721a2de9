import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Service } from '../../../../test/services/service.ts';

export interface ProxyOptions {
  /** After these bytes of a client went on to the server both connections end, without a word of the server. */
  readonly dropAfter?: (bytes: Buffer) => boolean;
  /** Answers a client itself; undefined: the bytes go on to the server. Called with the first bytes of a connection. */
  readonly answer?: (first: Buffer) => { readonly bytes: Buffer; readonly end: boolean } | undefined;
  /** Keeps back what the server says on a connection, by its number from 1, as a network does that has failed. */
  readonly silent?: (connection: number) => boolean;
}

/** Stands between a client and a server, for what a real server does only when something breaks. Closed with the test. */
export async function serverProxy(service: Service, options: ProxyOptions): Promise<{ host: string; port: number }> {
  const open = new Set<Socket>();
  let connections = 0;
  const proxy = createServer((client) => {
    const connection = (connections += 1);
    let first = true;
    let dropping = false;
    const server = connect({ host: service.host, port: service.port });
    const drop = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on('error', drop).on('close', drop);
    }
    server.on('data', (bytes) => {
      if (!dropping && options.silent?.(connection) !== true) client.write(bytes);
    });
    client.on('data', (bytes) => {
      const answer = first ? options.answer?.(bytes) : undefined;
      if (answer !== undefined) {
        client.write(answer.bytes);
        if (answer.end) client.end();
        return;
      }
      first = false;
      dropping ||= options.dropAfter?.(bytes) === true;
      server.write(bytes, () => {
        if (dropping) drop();
      });
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => proxy.close(resolve));
  });
  return { host: '127.0.0.1', port: (proxy.address() as AddressInfo).port };
}
