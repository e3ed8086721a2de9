import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A server that does something else than was expected of it. */
export interface StrangeServer {
  readonly port: number;
  /** How many connections it has now. */
  readonly connections: () => number;
}

/** Listens until the test has finished. */
export async function strangeServer(serve: (socket: Socket) => void): Promise<StrangeServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections: () => sockets.size };
}

/** Answers the first thing that it hears with HTTP that never ends. */
export function sendWithoutEnd(socket: Socket): void {
  const send = (): void => {
    while (socket.writable && socket.write('HTTP/1.1 200 OK\r\n'.repeat(1000)));
  };
  socket.on('drain', send);
  socket.once('data', send);
}
