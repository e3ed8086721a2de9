import { createServer as createHttpServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { execute } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import { TaskAborted } from '../executor.ts';
import { ClickHouseExecutor } from './clickhouse-executor.ts';
import { ByteWriter } from './native/byte-writer.ts';

async function listen(server: Server, protocol: 'native' | 'http'): Promise<Record<string, unknown>> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, protocol, secret_ref: 'login' };
}

/** Greets as 18.16 does, then answers each further chunk of the client by what `answers` say; after them, not at all. */
function nativeServer(...answers: readonly ((socket: Socket) => void)[]): Promise<Record<string, unknown>> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    const greet = (): void =>
      void socket.write(
        new ByteWriter().varUint(0).string('Stand-in').varUint(18).varUint(16).varUint(54_412).string('UTC').take(),
      );
    const steps = [greet, ...answers];
    socket.on('data', () => steps.shift()?.(socket));
  });
  return listen(server, 'native');
}

/** Tells its version, then does what the listener does. */
function httpServer(listener: RequestListener): Promise<Record<string, unknown>> {
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        if (Buffer.concat(chunks).toString() === 'SELECT version()') response.end('18.16.1\n');
        else listener(request, response);
      });
  });
  onTestFinished(() => server.closeAllConnections());
  return listen(server, 'http');
}

async function run(target: object, command: string, signal?: AbortSignal): Promise<Execution> {
  const executor = new ClickHouseExecutor({ connections: new Map(), spoolFolder: tmpdir() });
  onTestFinished(() => executor.close());
  const credentials = { login: { data: { password: 'hunter2' }, allowedHosts: undefined } };
  return execute(executor, { command, params: { target }, credentials, ...(signal === undefined ? {} : { signal }) });
}

/** A block with one column `a` of UInt8, packet type included. */
function block(rows: readonly number[]): Buffer {
  const writer = new ByteWriter()
    .varUint(1)
    .string('')
    .byte(0)
    .varUint(1)
    .varUint(rows.length)
    .string('a')
    .string('UInt8');
  return writer.bytes(Buffer.from(rows)).take();
}

const lost = (message: RegExp): object => ({
  state: 'Failed',
  reason: 'ConnectionLost',
  message: expect.stringMatching(message) as string,
});

describe('ClickHouseExecutor and servers that break', () => {
  it('fails when the native server goes in the middle of an answer', async () => {
    const target = await nativeServer((socket) => {
      socket.write(block([]));
      socket.end(block([1, 2, 3]).subarray(0, -1));
    });
    const { outcome, result } = await run(target, 'SELECT a FROM t');
    expect(outcome).toMatchObject(
      lost(/connection lost: the server closed the connection; whether the statement took effect is not known/),
    );
    expect(result.toString()).toMatch(/^Statement 1: ERROR - connection lost: .*\nSQL: SELECT a FROM t$/);
  });

  it('fails when the native server goes while it is sent rows', async () => {
    const target = await nativeServer(
      (socket) => socket.write(block([])),
      (socket) => socket.destroy(),
    );
    const rows = Array.from({ length: 300_000 }, (_, i) => `(${i % 256})`).join(',');
    expect((await run(target, `INSERT INTO t VALUES ${rows}`)).outcome).toMatchObject(lost(/connection lost/));
  });

  it('gives what the server says of rows in the middle of sending them', async () => {
    const exception = new ByteWriter().varUint(2);
    exception.reserve(4).writeInt32LE(252);
    exception.string('DB::Exception').string('DB::Exception: Too many parts').string('').byte(0);
    const bytes = exception.take();
    const target = await nativeServer(
      (socket) => socket.write(block([])),
      (socket) => socket.end(bytes),
    );
    const rows = Array.from({ length: 300_000 }, (_, i) => `(${i % 256})`).join(',');
    expect((await run(target, `INSERT INTO t VALUES ${rows}`)).outcome).toMatchObject({
      reason: 'StatementFailed',
      message: expect.stringContaining('ERROR - Code: 252. DB::Exception: Too many parts (TOO_MANY_PARTS)') as string,
    });
  });

  it('fails on native nonsense', async () => {
    for (const nonsense of [
      Buffer.from([99]),
      Buffer.alloc(64, 0xff),
      Buffer.concat([block([]), Buffer.from([1, 0, 9, 9, 9])]),
    ]) {
      const target = await nativeServer((socket) => socket.write(nonsense));
      expect((await run(target, 'SELECT 1')).outcome).toMatchObject(lost(/connection lost: the server sent/));
    }
  });

  it('gives up a native server that does not heed a cancel', { timeout: 60_000 }, async () => {
    const controller = new AbortController();
    const target = await nativeServer(() => controller.abort(new TaskAborted('User', 'canceled by user')));
    const { outcome, log } = await run(target, 'SELECT 1', controller.signal);
    expect(outcome).toMatchObject({ state: 'Failed', message: expect.stringContaining('canceled by user') as string });
    expect(log.map(({ message }) => message).join('\n')).toMatch(/did not say that query tiangong-\S+ has ended/);
  });

  it('fails when the HTTP server goes in the middle of an answer', async () => {
    const target = await httpServer((_request, response) => {
      response.write('a\nUInt8\n1\n2\n', () => response.destroy());
    });
    const { outcome, result } = await run(target, 'SELECT a FROM t');
    expect(outcome).toMatchObject(lost(/connection lost: the answer broke off/));
    expect(result.toString()).toMatch(/^Statement 1: ERROR - connection lost: .*\nSQL: SELECT a FROM t$/);
  });

  it('stops waiting for an HTTP server that falls silent in the middle of an answer', async () => {
    const controller = new AbortController();
    const target = await httpServer((request, response) => {
      if (request.url?.includes('query_id=tiangong') === true) return response.write('a\nUInt8\n1\n');
      // It is asked how far the statement is, after the answer's head has come.
      controller.abort(new TaskAborted('User', 'canceled by user'));
      return response.end();
    });
    expect((await run(target, 'SELECT a FROM t', controller.signal)).outcome).toMatchObject({
      reason: 'Aborted',
      message: expect.stringContaining('canceled by user') as string,
    });
  });

  it('fails when the HTTP server answers with something else', async () => {
    const target = await httpServer((_request, response) => response.writeHead(502).end('<html>Bad Gateway</html>'));
    expect((await run(target, 'SELECT 1')).outcome).toMatchObject({
      reason: 'StatementFailed',
      message: expect.stringContaining('ERROR - HTTP status 502: <html>Bad Gateway</html>\n') as string,
    });
    const other = createHttpServer((_request, response) => response.end('<html>It works!</html>'));
    expect((await run(await listen(other, 'http'), 'SELECT 1')).outcome).toMatchObject({
      reason: 'ConnectionFailed',
      message: expect.stringMatching(/^connection failed: .*not the HTTP interface of ClickHouse$/) as string,
    });
  });

  it('counts as the server does when it tells, and else the rows that it has taken', async () => {
    const summaries = ['{"written_rows":"7"}', undefined];
    const target = await httpServer((request, response) => {
      const summary = summaries.shift();
      expect(request.headers.authorization).toBe(`Basic ${Buffer.from('default:hunter2').toString('base64')}`);
      response.writeHead(200, summary === undefined ? {} : { 'x-clickhouse-summary': summary }).end();
    });
    const { result, log } = await run(target, 'INSERT INTO t SELECT 1; INSERT INTO t VALUES (1), (2)');
    expect(result.toString()).toContain('Statement 1: SUCCESS (Affected rows: 7)');
    expect(result.toString()).toContain('Statement 2: SUCCESS (Affected rows: 2)');
    expect(JSON.stringify([result.toString(), log])).not.toContain('hunter2');
  });
});
