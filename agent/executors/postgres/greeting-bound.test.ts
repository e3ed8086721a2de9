import { describe, expect, it, onTestFinished } from 'vitest';
import { execute } from '../../conformance/executor.ts';
import { sendWithoutEnd, strangeServer } from '../../testing/strange-server.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { PostgresExecutor } from './postgres-executor.ts';

describe('A postgres task on a server that is no PostgreSQL', () => {
  it.each(['disable', 'prefer'])('ends at the bytes of one that sends without end (sslmode %s)', async (sslmode) => {
    const server = await strangeServer(sendWithoutEnd);
    const executor = new PostgresExecutor({ connections: new Map(), spoolFolder: temporaryFolder() });
    onTestFinished(() => executor.close());
    const before = process.memoryUsage().rss;
    const params = { target: { host: '127.0.0.1', port: server.port, sslmode } };
    const { outcome } = await execute(executor, { command: 'SELECT 1', params });
    expect(outcome).toMatchObject({
      reason: 'ConnectionFailed',
      message: expect.stringMatching(/^connection failed: /) as string,
    });
    await expect.poll(server.connections).toBe(0);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });
});
