import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Bucket } from './bucket.ts';

it('gives up on a server that takes a question and never answers', async () => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const settings = { endpoint: `http://127.0.0.1:${port}`, bucket: 'b01', region: 'us-east-1', prefix: '' };
  const login = { accessKeyId: 'somebody', secretAccessKey: 'not-to-be-told' };
  const bucket = new Bucket({ ...settings, recursive: true, login }, 100);
  onTestFinished(async () => {
    await bucket.close();
    server.closeAllConnections();
    server.close();
  });
  const failure = await bucket.list({}, 1, new AbortController().signal).catch((err: unknown) => err);
  expect(failure).toMatchObject({ reason: 'ConnectionFailed', retryable: true });
  expect(String(failure)).not.toContain(login.secretAccessKey);
});
