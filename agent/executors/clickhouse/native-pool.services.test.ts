import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Service } from '../../../test/services/service.ts';
import { execute } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import { ClickHouseExecutor } from './clickhouse-executor.ts';

let server: Service;

interface Counted {
  readonly run: (command: string) => Promise<Execution>;
  readonly executor: ClickHouseExecutor;
  /** All connections so far. */
  readonly made: () => number;
  readonly open: () => number;
  readonly breakAll: () => void;
}

/** An executor whose connections to the real server are counted, and can be cut. */
async function counted(): Promise<Counted> {
  const sockets = new Set<Socket>();
  let made = 0;
  const proxy = createServer((socket) => {
    made += 1;
    sockets.add(socket);
    const upstream = connect(server.ports['native'] ?? 0, server.host);
    socket.pipe(upstream).pipe(socket);
    for (const end of [socket, upstream])
      end
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(socket);
          socket.destroy();
          upstream.destroy();
        });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const executor = new ClickHouseExecutor({ connections: new Map(), spoolFolder: tmpdir() });
  onTestFinished(async () => {
    await executor.close();
    proxy.close();
  });
  const target = { host: '127.0.0.1', port: (proxy.address() as AddressInfo).port };
  return {
    run: (command) => execute(executor, { command, params: { target } }),
    executor,
    made: () => made,
    open: () => sockets.size,
    breakAll: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe.skipIf(!hasServices('clickhouse-18'))('NativePool', () => {
  beforeAll(async () => {
    server = await service('clickhouse-18');
  });

  it('uses a connection again, and closes it with the executor', async () => {
    const { run, made, open, executor } = await counted();
    for (let i = 0; i < 3; i += 1) expect((await run('SELECT 1; SELECT 2')).outcome.state).toBe('Succeeded');
    expect(made()).toBe(1);
    await executor.close();
    await expect.poll(open).toBe(0);
  });

  it('opens another one when the waiting one is gone', async () => {
    const { run, made, open, breakAll } = await counted();
    await run('SELECT 1');
    breakAll();
    await expect.poll(open).toBe(0);
    expect((await run('SELECT 1')).outcome.state).toBe('Succeeded');
    expect(made()).toBe(2);
  });

  it.each([
    'SET max_threads = 1',
    'USE system',
    'CREATE TEMPORARY TABLE t (a UInt8)',
    'SELECT nothing',
    'SELECT throwIf(number = 9) FROM numbers(10)',
  ])('does not give to the next task what was left by %s', async (command) => {
    const { run, made, open } = await counted();
    await run(command);
    await expect.poll(open).toBe(0);
    await run('SELECT 1');
    expect(made()).toBe(2);
  });

  it('has a connection for each task that runs at the same time', async () => {
    const { run, made, open } = await counted();
    const all = await Promise.all(Array.from({ length: 6 }, () => run('SELECT sleep(1)')));
    expect(all.map(({ outcome }) => outcome.state)).toEqual(Array.from({ length: 6 }, () => 'Succeeded'));
    expect(made()).toBe(6);
    // Four of them are kept.
    await expect.poll(open).toBe(4);
  });
});
