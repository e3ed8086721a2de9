import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { ClickHouseClient } from '@clickhouse/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConnectionError } from '../native/native-error.ts';
import { HttpSession } from './http-session.ts';

/** Of a server that takes connections and says no more than this. */
async function clientOf(answer: string): Promise<ClickHouseClient> {
  const server = createServer((socket) => {
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined).write(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const client = createClient({
    log: { level: ClickHouseLogLevel.OFF },
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  onTestFinished(() => client.close());
  return client;
}

describe('HttpSession', () => {
  it.each(['', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n18'])(
    'gives up on a server that says no more than %j',
    async (answer) => {
      const opening = HttpSession.open(await clientOf(answer), 'default', new AbortController().signal, 100);
      await expect(opening).rejects.toThrow(ConnectionError);
      await expect(opening).rejects.toThrow('no answer within 100 ms');
    },
  );
});
