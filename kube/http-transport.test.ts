import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HttpTransport } from './http-transport.ts';

describe('HttpTransport', () => {
  let server: Server;
  let address: string;
  let transport: HttpTransport | undefined;
  let handle: (request: IncomingMessage, response: ServerResponse) => void;

  beforeEach(async () => {
    handle = (_request, response) => response.end('{}');
    server = createServer((request, response) => {
      handle(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    await transport?.close();
    server.closeAllConnections();
    server.close();
  });

  function connect(user: object, path = ''): { transport: HttpTransport; config: KubeConfig } {
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: 'c', server: address + path, skipTLSVerify: true }, { name: 'u', ...user });
    transport = new HttpTransport(config, { userAgent: 'tiangong-test', connections: 4 });
    return { transport, config };
  }

  const get = { method: 'GET', path: '/version' } as const;

  it('sends credentials and its name, below the path of the server', async () => {
    const seen: unknown[] = [];
    handle = ({ url, headers }, response) => {
      seen.push([url, headers.authorization, headers['user-agent'], headers.accept]);
      response.end('{}');
    };
    await (await connect({ token: 't' }, '/k8s/cluster-1/').transport.send({ ...get, accept: 'text/plain' })).text();
    expect(seen).toEqual([['/k8s/cluster-1/version', 'Bearer t', 'tiangong-test', 'text/plain']]);
  });

  it('keeps its connections', async () => {
    const { transport } = connect({ token: 't' });
    const opened = vi.fn();
    server.on('connection', opened);
    for (let call = 0; call < 20; call += 1) await (await transport.send(get)).text();
    await Promise.all(Array.from({ length: 40 }, async () => (await transport.send(get)).text()));
    expect(opened.mock.calls.length).toBeLessThanOrEqual(4);
  });

  it('asks for credentials once for many calls', async () => {
    const { transport, config } = connect({ token: 't' });
    const read = vi.spyOn(config, 'applyToHTTPSOptions');
    await Promise.all(Array.from({ length: 20 }, async () => (await transport.send(get)).text()));
    expect(read).toHaveBeenCalledOnce();
  });

  /** A server that takes one token, and a user whose token may change. */
  function rotating(): { user: { token: string }; refused: ReturnType<typeof vi.fn>; read: ReturnType<typeof vi.fn> } {
    const refused = vi.fn();
    handle = ({ headers }, response) => {
      if (headers.authorization === 'Bearer new') response.end('{}');
      else {
        refused();
        response.writeHead(401).end('{"kind":"Status","reason":"Unauthorized"}');
      }
    };
    const { config } = connect({ token: 'old' });
    const read = vi.spyOn(config, 'applyToHTTPSOptions');
    return { user: config.getCurrentUser() as { token: string }, refused, read: read as never };
  }

  it('reads the credentials again after a 401 and sends the call with the new ones', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const { user, refused } = rotating();
      expect((await transport!.send(get)).status).toBe(401);
      user.token = 'new';
      vi.advanceTimersByTime(1001);
      const response = await transport!.send({ method: 'POST', path: '/version', body: '{"a":1}' });
      expect(response.status).toBe(200);
      await response.text();
      expect(refused).toHaveBeenCalledTimes(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it('answers 401 when the new credentials are the old ones, and does not read them for every call', async () => {
    const { read } = rotating();
    for (let call = 0; call < 5; call += 1) {
      const response = await transport!.send(get);
      expect(response.status).toBe(401);
      expect(await response.text()).toContain('Unauthorized');
    }
    expect(read.mock.calls.length).toBeLessThanOrEqual(2);
  });

  it('tries again with the next call when reading the credentials failed', async () => {
    const { transport, config } = connect({ token: 't' });
    vi.spyOn(config, 'applyToHTTPSOptions').mockRejectedValueOnce(new Error('the plug-in failed'));
    await expect(transport.send(get)).rejects.toThrow('the plug-in failed');
    expect((await transport.send(get)).status).toBe(200);
  });

  it('lets calls under way end when certificates change, and ends all when it is closed', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const { transport, config } = connect({ token: 't' });
      handle = (request, response) => {
        if (request.url === '/watch') response.write('first\n');
        else response.end('{}');
      };
      const watch = (await transport.send({ method: 'GET', path: '/watch' })).chunks()[Symbol.asyncIterator]();
      expect(String((await watch.next()).value)).toBe('first\n');
      const original = config.applyToHTTPSOptions.bind(config);
      vi.spyOn(config, 'applyToHTTPSOptions').mockImplementation(async (options) => {
        await original(options);
        options.ca = 'other';
      });
      vi.advanceTimersByTime(31_000);
      expect((await transport.send(get)).status).toBe(200);
      const next = watch.next();
      next.catch(() => undefined);
      await transport.close();
      await expect(next).rejects.toThrow();
      await expect(transport.send(get)).rejects.toThrow('the connection to the API server is closed');
    } finally {
      vi.useRealTimers();
    }
  });

  it('rejects when nobody answers, and when the signal aborts', async () => {
    const { transport } = connect({ token: 't' });
    handle = (request) => request.socket.destroy();
    await expect(transport.send(get)).rejects.toThrow();
    handle = () => undefined;
    const stop = new AbortController();
    const sent = transport.send({ ...get, signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(sent).rejects.toThrow('enough');
  });

  it('says so when the kubeconfig names no cluster', async () => {
    transport = new HttpTransport(new KubeConfig());
    await expect(transport.send(get)).rejects.toThrow('the kubeconfig has no current cluster');
  });
});
