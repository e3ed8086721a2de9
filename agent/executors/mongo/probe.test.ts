import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { execute } from '../../conformance/executor.ts';
import type { Outcome } from '../executor.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { MongoExecutor } from './mongo-executor.ts';

/** What a task says whose target is a server that does this to its connections, and how many were open at most. */
async function insertInto(serve: (socket: Socket) => void): Promise<{ outcome: Outcome; left: () => number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const executor = new MongoExecutor({ connections: new Map(), spoolFolder: temporaryFolder() });
  onTestFinished(async () => {
    await executor.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { outcome } = await execute(executor, {
    command: '{"operation":"insert","collection":"c","documents":[{"a":1}]}',
    params: { target: { host: '127.0.0.1', port } },
  });
  return { outcome, left: () => sockets.size };
}

describe('A mongo task on a server that is no MongoDB', () => {
  it('ends at the first bytes of one that sends without end, and keeps no connection to it', async () => {
    const { outcome, left } = await insertInto((socket) => {
      const send = (): void => {
        while (socket.writable && socket.write('HTTP/1.1 200 OK\r\n'.repeat(1000)));
      };
      socket.on('drain', send);
      socket.once('data', send);
    });
    expect(outcome).toMatchObject({
      reason: 'ConnectionFailed',
      message: expect.stringMatching(/what answers there does not speak MongoDB's protocol$/) as string,
    });
    await expect.poll(left).toBe(0);
  });

  it('says so when the connection is closed without an answer', async () => {
    const { outcome } = await insertInto((socket) => socket.destroy());
    expect(outcome).toMatchObject({
      reason: 'ConnectionFailed',
      message: expect.stringMatching(/^connection failed: /) as string,
    });
  });
});
