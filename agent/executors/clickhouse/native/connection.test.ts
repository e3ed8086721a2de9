import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ByteWriter } from './byte-writer.ts';
import { NativeConnection } from './connection.ts';
import { ConnectionError, ProtocolError } from './native-error.ts';
import { MIN_REVISION } from './protocol.ts';

/** A server that does with a connection what a real one would not. */
async function standIn(onConnection: (socket: Socket) => void): Promise<{ host: string; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

const login = { user: 'default', password: 'hunter2', database: 'default' };

const hello = (revision = 54_412): Buffer =>
  new ByteWriter().varUint(0).string('Stand-in').varUint(18).varUint(16).varUint(revision).string('UTC').take();

/** Answers the client's hello, then does something with what comes next. */
function greet(socket: Socket, next: () => void): void {
  socket.once('data', () => {
    socket.write(hello());
    socket.once('data', next);
  });
}

async function open(address: { host: string; port: number }): Promise<NativeConnection> {
  const connection = await NativeConnection.open({ ...address, ...login });
  onTestFinished(() => connection.destroy());
  return connection;
}

describe('NativeConnection', () => {
  it('gives up on a server that says nothing', async () => {
    const address = await standIn((socket) => onTestFinished(() => void socket.destroy()));
    await expect(NativeConnection.open({ ...address, ...login, connectTimeoutMs: 50 })).rejects.toThrow(
      'no answer within 50 ms; if it speaks HTTP there, set protocol: http',
    );
  });

  it('stops connecting when its signal aborts, with its reason', async () => {
    const controller = new AbortController();
    const address = await standIn(() => controller.abort(new Error('enough')));
    await expect(NativeConnection.open({ ...address, ...login }, controller.signal)).rejects.toThrow('enough');
    await expect(NativeConnection.open({ ...address, ...login }, controller.signal)).rejects.toThrow('enough');
  });

  it('refuses servers that are too old, and what is no ClickHouse', async () => {
    const old = await standIn((socket) => socket.write(hello(MIN_REVISION - 1)));
    await expect(NativeConnection.open({ ...old, ...login })).rejects.toThrow('the server is too old');
    const other = await standIn((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(NativeConnection.open({ ...other, ...login })).rejects.toThrow(ProtocolError);
    await expect(NativeConnection.open({ ...other, ...login })).rejects.toThrow('set protocol: http');
  });

  it('says that the server closed the connection, during the hello and during a query', async () => {
    const closing = await standIn((socket) => socket.end());
    await expect(NativeConnection.open({ ...closing, ...login })).rejects.toThrow(ConnectionError);
    const later = await standIn((socket) => greet(socket, () => socket.destroy()));
    const connection = await open(later);
    await connection.query('q', 'SELECT 1');
    await expect(connection.answer()).rejects.toThrow(ConnectionError);
    expect(connection.isIdle).toBe(false);
    await expect(connection.query('q', 'SELECT 1')).rejects.toThrow('the connection is busy or closed');
  });

  it('is not used again when bytes come that nobody asked for', async () => {
    const address = await standIn((socket) => greet(socket, () => socket.write(Buffer.from([5, 5, 5]))));
    const connection = await open(address);
    await connection.query('q', 'SELECT 1');
    expect((await connection.answer()).kind).toBe('end');
    expect(connection.isIdle).toBe(false);
  });

  it('knows by a ping whether the server is still there', async () => {
    const address = await standIn((socket) => greet(socket, () => socket.write(Buffer.from([4]))));
    expect(await (await open(address)).ping(20_000)).toBe(true);
    const silent = await standIn((socket) => greet(socket, () => undefined));
    expect(await (await open(silent)).ping(20)).toBe(false);
  });

  it('waits until a slow server takes its rows', async () => {
    let received = 0;
    const address = await standIn((socket) => {
      socket.write(hello());
      socket.on('data', (bytes: Buffer) => {
        received += bytes.length;
        socket.pause();
        setImmediate(() => socket.resume());
      });
    });
    const connection = await open(address);
    await connection.query('q', 'x'.repeat(1_000_000));
    await expect.poll(() => received).toBeGreaterThan(1_000_000);
  });
});
