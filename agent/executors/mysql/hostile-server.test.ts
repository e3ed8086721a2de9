import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { execute } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { MysqlExecutor } from './mysql-executor.ts';

const PASSWORD = 'pa55word-of-the-task';

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A server that answers whoever connects as it likes. */
async function rawServer(greet: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    greet(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return listen(server);
}

/** A server that takes any login, and answers statements after the first, SET NAMES, as it likes. */
function loggedInServer(answer: (socket: Socket) => void): Promise<number> {
  return rawServer((socket) => {
    socket.write(greeting());
    let taken = 0;
    socket.on('data', (bytes) => {
      taken += 1;
      if (taken === 1) socket.write(ok(2));
      else if (bytes.includes('CURRENT_ROLE')) socket.write(packet(1, 0xff, 0, 4, ...Buffer.from('unknown')));
      else if (/\x03(?:SELECT 1|LOAD DATA)/.test(bytes.toString('latin1'))) answer(socket);
      else socket.write(ok(1));
    });
  });
}

const packet = (sequence: number, ...bytes: number[]): Buffer =>
  Buffer.from([bytes.length & 0xff, bytes.length >> 8, 0, sequence, ...bytes]);
const ok = (sequence: number): Buffer => packet(sequence, 0, 0, 0, 2, 0, 0, 0);

function greeting(): Buffer {
  const version = [...Buffer.from('8.0.36\0')];
  const salt = [1, 2, 3, 4, 5, 6, 7, 8, 0];
  const flags = [0xdf, 0xf7, 45, 2, 0, 0x0f, 0x00, 21, ...Array<number>(10).fill(0)];
  const rest = [...Array<number>(12).fill(9), 0, ...Buffer.from('mysql_native_password\0')];
  return packet(0, 10, ...version, 7, 0, 0, 0, ...salt, ...flags, ...rest);
}

async function run(port: number, command = 'SELECT 1', timeoutMs = 3000): Promise<Execution> {
  const executor = new MysqlExecutor({ connections: new Map(), spoolFolder: temporaryFolder(), graceMs: 500 });
  onTestFinished(() => executor.close());
  return execute(executor, {
    command,
    params: {
      target: { host: '127.0.0.1', port, user: 'root', secret_ref: 'login', db: 'd' },
      exec_options: { timeout_ms: timeoutMs, backup: false },
    },
    credentials: { login: { data: { password: PASSWORD }, allowedHosts: undefined } },
  });
}

describe('MysqlExecutor and a server that is none', () => {
  it('says that there is no server of MySQL', async () => {
    const port = await rawServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect((await run(port)).outcome).toMatchObject({ state: 'Failed', reason: 'ConnectionFailed' });
  });

  it('takes no endless greeting', async () => {
    let sent = 0;
    const port = await rawServer((socket) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 1))) sent += 65_536;
      };
      socket.on('drain', more);
      more();
    });
    const { outcome } = await run(port);
    expect(outcome).toMatchObject({ reason: 'ConnectionFailed' });
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('ends at its deadline when the server says nothing', async () => {
    const port = await rawServer(() => undefined);
    const { outcome } = await run(port, 'SELECT 1', 300);
    expect(outcome).toMatchObject({ reason: 'TimeoutExceeded', message: 'execution timeout after 300 ms' });
  });

  it('gives the password to no server that asks for it in the clear', async () => {
    const received: Buffer[] = [];
    const port = await rawServer((socket) => {
      socket.write(greeting());
      socket.on('data', (bytes) => {
        received.push(bytes);
        if (received.length === 1) socket.write(packet(2, 0xfe, ...Buffer.from('mysql_clear_password\0')));
      });
    });
    const { outcome } = await run(port);
    expect(outcome).toMatchObject({ state: 'Failed', reason: 'AuthenticationFailed' });
    expect(Buffer.concat(received).toString('latin1')).not.toContain(PASSWORD);
  });

  it.each([
    ['a column count without columns', packet(1, 3)],
    ['a column definition that ends early', Buffer.concat([packet(1, 1), packet(2, 3, 100)])],
    ['an OK packet that ends early', packet(1, 0, 0xfc)],
    ['nothing that is known', packet(1, 0xfe, 1, 2, 3)],
    ['an answer out of order', packet(9, 0, 0, 0, 2, 0, 0, 0)],
    ['an error without words', packet(1, 0xff)],
  ])('fails on %s, and goes on living', async (_, answer) => {
    const port = await loggedInServer((socket) => socket.end(answer));
    const { outcome } = await run(port);
    expect(outcome.state).toBe('Failed');
    expect(outcome.message).toContain('Statement 1: ERROR - ');
  });

  it('reads no file that the server asks for', async () => {
    const asked = Promise.withResolvers<Buffer>();
    const port = await loggedInServer((socket) => {
      socket.write(packet(1, 0xfb, ...Buffer.from('/etc/hostname')));
      socket.removeAllListeners('data').once('data', (bytes) => {
        asked.resolve(bytes);
        socket.write(ok(3));
      });
    });
    const { outcome } = await run(port, "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE t");
    expect(await asked.promise).toEqual(packet(2));
    expect(outcome.message).toContain('the server asks for a local file, which tasks cannot give');
  });
});
