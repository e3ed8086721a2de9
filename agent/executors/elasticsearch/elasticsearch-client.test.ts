import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { execute } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { ElasticsearchExecutor } from './elasticsearch-executor.ts';

/** What a real server says only when it is unwell, or of another version. */
async function serve(listener: RequestListener): Promise<{ port: number; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    response.setHeader('x-elastic-product', 'Elasticsearch');
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

const INDEX = { operation: 'index', index: 'a', id: '1', doc: {} };

async function run(port: number, command: object = INDEX, target: object = {}): Promise<Execution> {
  const executor = new ElasticsearchExecutor({ connections: new Map(), spoolFolder: temporaryFolder() });
  onTestFinished(() => executor.close());
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
