import { createServer as createHttpServer } from 'node:http';
import type { Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';

/** Something that listens on this machine where pods can reach it. */
export interface Door {
  readonly port: number;
  close(): void;
}

/** Lets pods reach a server that listens on loopback alone, as those of test/services do. */
export async function openDoor(address: string, port: number): Promise<Door> {
  const server = createServer((inside) => {
    const outside = connect({ host: '127.0.0.1', port });
    inside.pipe(outside).pipe(inside);
    for (const socket of [inside, outside])
      socket.on('error', () => {
        inside.destroy();
        outside.destroy();
      });
  });
  return listening(server, address);
}

/** An HTTP server that counts the requests of each path. */
export async function countRequests(address: string): Promise<Door & { readonly counts: ReadonlyMap<string, number> }> {
  const counts = new Map<string, number>();
  const server = createHttpServer((request, response) => {
    const path = request.url ?? '';
    counts.set(path, (counts.get(path) ?? 0) + 1);
    response.end(`${request.method ?? ''} ${path}\n`);
  });
  return { ...(await listening(server, address)), counts };
}

async function listening(server: Server, address: string): Promise<Door> {
  server.listen(0, address);
  await once(server, 'listening');
  return { port: (server.address() as { port: number }).port, close: () => void server.close() };
}
