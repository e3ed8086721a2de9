import { describe, expect, it, onTestFinished } from 'vitest';
import { execute } from '../../conformance/executor.ts';
import { sendWithoutEnd, strangeServer } from '../../testing/strange-server.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import type { Outcome } from '../executor.ts';
import { MongoExecutor } from './mongo-executor.ts';

async function insertInto(port: number): Promise<Outcome> {
  const executor = new MongoExecutor({ connections: new Map(), spoolFolder: temporaryFolder() });
  onTestFinished(() => executor.close());
  const command = '{"operation":"insert","collection":"c","documents":[{"a":1}]}';
  return (await execute(executor, { command, params: { target: { host: '127.0.0.1', port } } })).outcome;
}

describe('A mongo task on a server that is no MongoDB', () => {
  it('ends at the first bytes of one that sends without end, and keeps no connection to it', async () => {
    const server = await strangeServer(sendWithoutEnd);
    expect(await insertInto(server.port)).toMatchObject({
      reason: 'ConnectionFailed',
      message: expect.stringMatching(/what answers there does not speak MongoDB's protocol$/) as string,
    });
    await expect.poll(server.connections).toBe(0);
  });

  it('says so when the connection is closed without an answer', async () => {
    const server = await strangeServer((socket) => socket.destroy());
    expect(await insertInto(server.port)).toMatchObject({
      reason: 'ConnectionFailed',
      message: expect.stringMatching(/^connection failed: /) as string,
    });
  });
});
