import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { execute } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import { sendWithoutEnd, strangeServer } from '../../testing/strange-server.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { ElasticsearchExecutor } from './elasticsearch-executor.ts';

const isGreeting: RequestFilter = ({ method, url }) => method === 'GET' && url === '/';
type RequestFilter = (request: IncomingMessage) => boolean;

/** What a real server says only when it is unwell, or of another version; it is there all the same, and says that itself. */
async function serve(
  listener: RequestListener,
  greets: RequestFilter = isGreeting,
): Promise<{ port: number; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    response.setHeader('x-elastic-product', 'Elasticsearch');
    if (greets(request)) return response.end('{}');
    requests.push(request);
    return listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

const INDEX = { operation: 'index', index: 'a', id: '1', doc: {} };

function newExecutor(options: { reachMs?: number } = {}): ElasticsearchExecutor {
  const executor = new ElasticsearchExecutor({ connections: new Map(), spoolFolder: temporaryFolder(), ...options });
  onTestFinished(() => executor.close());
  return executor;
}

async function run(
  port: number,
  command: object = INDEX,
  target: object = {},
  executor: ElasticsearchExecutor = newExecutor(),
): Promise<Execution> {
  const params = { target: { host: '127.0.0.1', port, ...target } };
  return execute(executor, { command: JSON.stringify(command), params });
}

describe('what Elasticsearch may answer', () => {
  it('is asked for in the form of version 8, which 8 and 9 both know', async () => {
    const { port, requests } = await serve((_request, response) => response.end('{"_id":"1"}'));
    expect((await run(port)).outcome).toMatchObject({ state: 'Succeeded' });
    const { headers } = requests[0] ?? {};
    expect([headers?.accept, headers?.['content-type']]).toEqual(
      Array.from({ length: 2 }, () => 'application/vnd.elasticsearch+json; compatible-with=8'),
    );
    const bulk = { operation: 'bulk', index: 'a', actions: [{ delete: { _id: '1' } }] };
    expect((await run(port, bulk)).outcome).toMatchObject({ reason: 'RequestRefused' });
    expect(requests.at(-1)?.headers).toMatchObject({
      'content-type': 'application/vnd.elasticsearch+x-ndjson; compatible-with=8',
      'x-opaque-id': expect.stringMatching(/^tiangong-[-0-9a-f]{36}-1$/) as string,
    });
  });

  it.each([429, 502, 503, 504])('fails at %i and sends nothing twice', async (status) => {
    const { port, requests } = await serve((_request, response) => response.writeHead(status).end('busy'));
    expect((await run(port)).outcome).toEqual({
      state: 'Failed',
      reason: 'RequestRefused',
      message: `Index operation failed: ${status} busy`,
    });
    expect(requests).toHaveLength(1);
  });

  it('may break off: nothing is sent twice, and what is not known is said', async () => {
    const { port, requests } = await serve((request) => request.socket.destroy());
    expect((await run(port)).outcome).toMatchObject({
      reason: 'ConnectionLost',
      message: expect.stringMatching(
        /^Index operation failed: connection lost: .*; the server may have done it or not$/,
      ) as string,
    });
    expect(requests).toHaveLength(1);
    expect((await run(port, { operation: 'count', index: 'a' })).outcome.message).not.toMatch(/may have done/);
  });

  it('may break off in the middle of an answer', async () => {
    const { port } = await serve((request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"_id":');
      setImmediate(() => request.socket.destroy());
    });
    expect((await run(port)).outcome).toMatchObject({ reason: 'ConnectionLost' });
  });

  it('may come from another program', async () => {
    const { port } = await serve((_request, response) => {
      response.removeHeader('x-elastic-product');
      response.end('{}');
    });
    expect((await run(port)).outcome).toMatchObject({ reason: 'NotElasticsearch' });
  });

  it.each(['<html>', '[]', ''])('may be no JSON object, but %j', async (text) => {
    const { port } = await serve((_request, response) => response.end(text));
    for (const command of [INDEX, { operation: 'search', index: 'a' }])
      expect((await run(port, command)).outcome).toMatchObject({ reason: 'RequestRefused' });
  });

  it('may be an authority that is no certificate', async () => {
    const { port } = await serve((_request, response) => response.end('{}'));
    expect((await run(port, INDEX, { ca: 'no PEM' })).outcome).toMatchObject({
      reason: 'ConnectionFailed',
      message: expect.stringMatching(/^connection failed: /) as string,
    });
  });

  it('may be that the deletion met conflicts', async () => {
    const remove = { operation: 'delete_by_query', index: 'a', query: {} };
    const conflicts = { deleted: 3, version_conflicts: 2, failures: [] };
    const cause = { type: 'version_conflict_engine_exception', reason: '[1]: version conflict' };
    const failures = [{ index: 'a', id: '1', cause, status: 409 }];
    const { port } = await serve((request, response) => {
      if (request.url?.includes('conflicts=proceed')) response.end(JSON.stringify(conflicts));
      else response.writeHead(409).end(JSON.stringify({ ...conflicts, failures }));
    });
    expect((await run(port, remove)).outcome).toEqual({
      state: 'Failed',
      reason: 'VersionConflict',
      message: 'Delete by query failed: 409 a/1: version_conflict_engine_exception: [1]: version conflict',
    });
    const { outcome, result } = await run(port, { ...remove, conflicts: 'proceed' });
    expect([outcome.state, result.toString()]).toEqual([
      'Succeeded',
      `Delete by query completed\nDocuments deleted: 3\nResponse: ${JSON.stringify(conflicts)}`,
    ]);
  });

  it('may be that shards failed, which a search does not hide', async () => {
    const failures = [{ shard: 0, reason: { type: 'query_shard_exception', reason: 'no field' } }];
    const answer = { hits: { total: { value: 0 }, hits: [] }, _shards: { failed: 1, failures } };
    const { port } = await serve((_request, response) => response.end(JSON.stringify(answer)));
    expect((await run(port, { operation: 'search', index: 'a' })).outcome).toEqual({
      state: 'Failed',
      reason: 'RequestRefused',
      message: 'Search failed: 1 shards failed: query_shard_exception: no field',
    });
  });
});

describe('A server that was never Elasticsearch', () => {
  const never: RequestFilter = () => false;

  it('may take the connection and say nothing: the task does not wait for its end, and sends nothing else', async () => {
    const { port, requests } = await serve(() => undefined, never);
    expect((await run(port, INDEX, {}, newExecutor({ reachMs: 2000 }))).outcome).toEqual({
      state: 'Failed',
      reason: 'ConnectionFailed',
      message: 'connection failed: no answer within 2000 ms',
    });
    expect(requests.map(({ method, url }) => [method, url])).toEqual([['GET', '/']]);
  });

  it('may begin an answer and not end it', async () => {
    const { port } = await serve((_request, response) => response.writeHead(200).write('{'), never);
    expect((await run(port, INDEX, {}, newExecutor({ reachMs: 300 }))).outcome).toMatchObject({
      message: 'connection failed: no answer within 300 ms',
    });
  });

  it.each([
    ['hang up', (socket: Socket) => socket.destroy()],
    ['speak another protocol', (socket: Socket) => socket.write('SSH-2.0-OpenSSH_9.9\r\n')],
    ['speak it before it is asked', sendWithoutEnd],
  ])('may %s', async (_, serve) => {
    const { port } = await strangeServer(serve);
    expect((await run(port)).outcome).toMatchObject({
      reason: 'ConnectionFailed',
      message: expect.stringMatching(/^connection failed: \w(?!.*may have done it)/) as string,
    });
  });

  it('may not speak TLS', async () => {
    const { port } = await serve(() => undefined);
    expect((await run(port, INDEX, { protocol: 'https' })).outcome).toEqual({
      state: 'Failed',
      reason: 'ConnectionFailed',
      message: 'connection failed: the server does not speak TLS there (target.protocol http is without it)',
    });
  });

  it('is waited for as long as it takes once it has shown that it is there', async () => {
    const waiting = Promise.withResolvers<ServerResponse>();
    const { port } = await serve((_request, response) => waiting.resolve(response));
    const executor = newExecutor({ reachMs: 3000 });
    const first = run(port, INDEX, {}, executor);
    const response = await waiting.promise;
    const since = performance.now();
    await expect.poll(() => performance.now() - since).toBeGreaterThan(4000);
    response.end('{"_id":"1"}');
    expect((await first).outcome).toMatchObject({ state: 'Succeeded' });
  });
});
