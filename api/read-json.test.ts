import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { ErrorRequestHandler } from 'express';
import { expect, it } from 'vitest';
import { readJson } from './read-json.ts';

it('a body that is too large is told with the bound that it is over', async () => {
  const answer: ErrorRequestHandler = (err: unknown, _req, res, _next) => {
    res.status(413).json(err instanceof Error ? err.message : err);
  };
  const server = express()
    .post('/', readJson(2 * 1024 * 1024), (_req, res) => void res.json('read'))
    .use(answer)
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const send = async (characters: number): Promise<unknown> =>
      (await fetch(url, { method: 'POST', body: JSON.stringify('x'.repeat(characters)) })).json();
    expect(await send(1024 * 1024)).toBe('read');
    expect(await send(2 * 1024 * 1024)).toBe('the body is larger than 2 MiB');
  } finally {
    server.close();
  }
});
