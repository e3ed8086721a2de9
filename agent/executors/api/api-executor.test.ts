import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createCertificate } from '../../../test/certificate.ts';
import { describeExecutor, execute } from '../../conformance/executor.ts';
import { ApiExecutor } from './api-executor.ts';

const executor = new ApiExecutor();

async function listen(server: Server, scheme: 'http' | 'https'): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = (listener: RequestListener): Promise<string> => listen(createServer(listener), 'http');
const get = (url: string, params: Record<string, unknown> = {}): ReturnType<typeof execute> =>
  execute(executor, { params: { url, ...params } });

/** Answers with what it was asked. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { method, url, headers } = request;
    response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
  });
}

interface Echoed {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}
const echoed = (result: Buffer): Echoed => JSON.parse(result.toString().split('Body:\n')[1] ?? '') as Echoed;

describeExecutor('ApiExecutor', async () => {
  let requests = 0;
  const url = await serve((request, response) => {
    requests += 1;
    if (request.url === '/missing') response.writeHead(404).end('no');
    else if (request.url === '/endless') response.write('begun\n');
    else response.end('x'.repeat(Number(request.url?.slice(1))));
  });
  return {
    executor,
    succeeding: { params: { url: `${url}/1` } },
    failing: { params: { url: `${url}/missing` } },
    endless: { params: { url: `${url}/endless` }, begun: () => vi.waitFor(() => expect(requests).toBeGreaterThan(0)) },
    big: (bytes) => ({ params: { url: `${url}/${bytes}` } }),
    invalid: [
      {},
      { params: { url: ' ' } },
      { params: { url: 'no url' } },
      { params: { url: 'ftp://127.0.0.1/' } },
      { params: { url: 'http://user:password@127.0.0.1/' } },
      { params: { url }, command: 'GET /' },
      { params: { url, headers: { 'a b': 'c' } } },
      { params: { url, headers: { a: 'b\r\nc: d' } } },
      { params: { url, headers: { 'Content-Length': '1' } } },
      { params: { url, headers: { a: 1 } } },
      { params: { url, verify_ssl: 'no' } },
    ],
  };
});

describe('ApiExecutor', () => {
  it('gives the answer exactly as the manual shows it', async () => {
    const url = await serve((_request, response) => {
      response.sendDate = false;
      response.writeHead(200, [
        'content-type',
        'application/json',
        'x-request-id',
        'a',
        'Set-Cookie',
        'b=1',
        'Set-Cookie',
        'c=2',
        'content-length',
        '26',
        'connection',
        'close',
      ]);
      response.end('{"id": 1, "name": "John"}\n');
    });
    const { outcome, result, log } = await get(`${url}/users`);
    expect(result.toString()).toBe(
      'Status: 200 OK HTTP/1.1\nHeaders:\n  Content-Type: application/json\n  X-Request-Id: a\n  Set-Cookie: b=1\n  Set-Cookie: c=2\n  Content-Length: 26\n  Connection: close\n\nBody:\n{"id": 1, "name": "John"}\n',
    );
    expect(outcome).toEqual({ state: 'Succeeded', message: '200 OK' });
    expect(log.map(({ message }) => message)).toEqual([
      `Making GET request to: ${url}/users`,
      'Response status: 200 OK',
      '{"id": 1, "name": "John"}',
    ]);
  });

  it('fails at 400 and above and keeps the result', async () => {
    const url = await serve((_request, response) => response.writeHead(404).end('nothing here'));
    const { outcome, result } = await get(url);
    expect(outcome).toEqual({ state: 'Failed', reason: 'HTTPError', message: 'HTTP error: 404 Not Found' });
    expect(result.toString()).toMatch(/^Status: 404 Not Found HTTP\/1.1\n[^]*Body:\nnothing here$/);
  });

  it('says what the network said', async () => {
    const server = createServer();
    const url = await listen(server, 'http');
    await new Promise((resolve) => server.close(resolve));
    const { outcome } = await get(url);
    expect(outcome).toMatchObject({
      reason: 'RequestFailed',
      message: expect.stringMatching(/^request failed: .*ECONNREFUSED/) as string,
    });
  });

  it('sends method, headers and body, as text or as JSON', async () => {
    const url = await serve(echo);
    const post = async (params: Record<string, unknown>, command = 'post'): Promise<Echoed> =>
      echoed((await execute(executor, { command, params: { url: `${url}/a?b=c`, ...params } })).result);
    expect(await post({ body: { name: '天' } })).toMatchObject({
      method: 'POST',
      url: '/a?b=c',
      body: '{"name":"天"}',
      headers: { 'content-type': 'application/json' },
    });
    expect(await post({ body: 'raw' })).toMatchObject({ body: 'raw', headers: { 'content-type': 'text/plain' } });
    expect(await post({ body: 'a: 1', headers: { 'Content-Type': 'text/yaml', 'X-Name': 'v' } })).toMatchObject({
      headers: { 'content-type': 'text/yaml', 'x-name': 'v' },
    });
    expect(await post({}, 'DELETE')).toMatchObject({ method: 'DELETE', body: '' });
  });

  it('follows redirects by the rules of each status, and stops after ten', async () => {
    const url = await serve((request, response) => {
      const status = Number(request.url?.slice(1));
      if (status >= 300) response.writeHead(status, { location: '/to' }).end();
      else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else echo(request, response);
    });
    const post = (path: string): ReturnType<typeof execute> =>
      execute(executor, { command: 'POST', params: { url: url + path, body: 'kept' } });
    for (const [status, method, body] of [
      [301, 'GET', ''],
      [302, 'GET', ''],
      [303, 'GET', ''],
      [307, 'POST', 'kept'],
      [308, 'POST', 'kept'],
    ] as const)
      expect(echoed((await post(`/${status}`)).result), String(status)).toMatchObject({ method, body, url: '/to' });
    expect((await get(`${url}/loop`)).outcome).toMatchObject({ message: 'request failed: stopped after 10 redirects' });
    const { result } = await get(`${url}/302`, { follow_redirects: false });
    expect(result.toString()).toMatch(/^Status: 302 Found HTTP\/1.1\nHeaders:\n {2}Location: \/to\n/);
  });

  it('sends credentials of a Secret, but not to another origin and not beyond its hosts', async () => {
    const target = await serve(echo);
    const url = await serve((request, response) => {
      if (request.url === '/away') response.writeHead(302, { location: target }).end();
      else if (request.url === '/here') response.writeHead(302, { location: '/' }).end();
      else echo(request, response);
    });
    const { host } = new URL(url);
    const ask = (path: string, allowedHosts?: string[]): ReturnType<typeof execute> =>
      execute(executor, {
        params: { url: url + path, headers_secret_ref: 'creds', headers: { 'X-Plain': 'p' } },
        credentials: { creds: { data: { Authorization: 'Bearer s3cret' }, allowedHosts } },
      });
    expect(echoed((await ask('/here')).result).headers).toMatchObject({
      authorization: 'Bearer s3cret',
      'x-plain': 'p',
    });
    const away = echoed((await ask('/away', [host])).result).headers;
    expect(away).toMatchObject({ 'x-plain': 'p' });
    expect(away).not.toHaveProperty('authorization');
    const refused = await ask('/', ['elsewhere.example.com', '*.example.com']);
    expect(refused.outcome).toMatchObject({ reason: 'SecurityPolicyViolation' });
    const missing = await execute(executor, { params: { url, headers_secret_ref: 'nope' } });
    expect(missing.outcome).toMatchObject({ reason: 'CredentialUnavailable' });
  });

  it('verifies certificates unless the task says otherwise', async () => {
    const url = await listen(
      createTlsServer(await createCertificate(), (_request, response) => response.end('secret')),
      'https',
    );
    expect((await get(url)).outcome).toMatchObject({
      reason: 'RequestFailed',
      message: expect.stringMatching(/certificate/) as string,
    });
    const { outcome, result } = await get(url, { verify_ssl: false });
    expect([outcome.state, result.toString().endsWith('secret')]).toEqual(['Succeeded', true]);
  });

  it('does not send to denied addresses, however they are named or reached', async () => {
    const guarded = new ApiExecutor({ addresses: { deny: ['loopback'], allow: ['127.0.0.2'] } });
    let asked = 0;
    const url = await serve((_request, response) => {
      asked += 1;
      response.end();
    });
    const { port } = new URL(url);
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1']) {
      const { outcome } = await execute(guarded, { params: { url: `http://${host}:${port}/` } });
      expect(outcome, host).toMatchObject({ reason: 'AddressDenied' });
    }
    expect(asked).toBe(0);
    // A server that may be asked redirects to one that may not.
    const redirecting = createServer((_request, response) => response.writeHead(302, { location: url }).end());
    await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.2', resolve));
    onTestFinished(() => void redirecting.close());
    const from = `http://127.0.0.2:${(redirecting.address() as AddressInfo).port}/`;
    expect((await execute(guarded, { params: { url: from } })).outcome).toMatchObject({ reason: 'AddressDenied' });
    expect((await get('http://169.254.169.254/latest/meta-data')).outcome).toMatchObject({ reason: 'AddressDenied' });
  });

  it('stops at an answer that is longer than it may be', async () => {
    const url = await serve((_request, response) => response.end('x'.repeat(100_000)));
    const bounded = new ApiExecutor({ maxBodyBytes: 50_000 });
    const { outcome, result } = await execute(bounded, { params: { url } });
    expect(outcome).toMatchObject({ message: 'request failed: the answer is longer than 50000 bytes' });
    expect(result.length).toBeLessThan(60_000);
  });

  it('gives what came before a connection broke, and fails', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    const { outcome, result } = await get(url);
    expect(outcome).toMatchObject({ state: 'Failed', reason: 'RequestFailed' });
    expect(result.toString()).toContain('Body:\nhalf');
  });
});
