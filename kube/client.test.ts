import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { widgets } from '../test/kube/model-server.ts';
import type { Widget } from '../test/kube/model-server.ts';
import { KubeClient } from './client.ts';
import type { WatchEvent } from './client.ts';
import { HttpTransport } from './http-transport.ts';
import { KubeError } from './kube-error.ts';

const widget = (name: string): Widget => ({ metadata: { name, namespace: 'n', resourceVersion: '1' }, color: 'red' });

describe('KubeClient', () => {
  let server: Server;
  let client: KubeClient;
  let transport: HttpTransport;
  /** What the server does with the next calls. */
  let handle: (request: IncomingMessage, response: ServerResponse, body: string) => void;
  let seen: { method: string; url: string; type: string | undefined; body: unknown }[];

  beforeEach(async () => {
    seen = [];
    handle = (_request, response) => response.end(JSON.stringify(widget('a')));
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const { method = '', url = '', headers } = request;
        seen.push({ method, url, type: headers['content-type'], body: body === '' ? undefined : JSON.parse(body) });
        handle(request, response, body);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const config = new KubeConfig();
    const { port } = server.address() as AddressInfo;
    config.loadFromClusterAndUser(
      { name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: 'u' },
    );
    transport = new HttpTransport(config);
    client = new KubeClient(transport);
  });

  afterEach(async () => {
    await transport.close();
    server.closeAllConnections();
    server.close();
  });

  /** Answers a watch with these pieces, one write each, and then what `end` does. */
  function answerWatch(pieces: readonly (string | Uint8Array)[], end: (response: ServerResponse) => void): void {
    handle = (_request, response) => {
      void (async () => {
        for (const piece of pieces) await new Promise((written) => response.write(piece, written));
        end(response);
      })();
    };
  }

  async function watchAll(signal = new AbortController().signal): Promise<WatchEvent<Widget>[]> {
    const events: WatchEvent<Widget>[] = [];
    const options = { resourceVersion: '5', timeoutSeconds: 300, signal };
    for await (const event of client.watch(widgets, 'n', options)) events.push(event);
    return events;
  }

  it('sends each call to its path with its type and body', async () => {
    await client.get(widgets, 'n', 'a');
    await client.list(widgets, undefined, { limit: 5, labelSelector: 'color in (red,blue)', fieldSelector: '' });
    await client.create(widgets, 'n', { metadata: { name: 'a' }, color: 'red' }, { dryRun: true });
    await client.replace(widgets, 'n', widget('a'), { subresource: 'status' });
    await client.patch(widgets, 'n', 'a', { color: null });
    await client.delete(widgets, 'n', 'a', { uid: 'u' });
    const root = '/apis/test.example/v1';
    const typed = { apiVersion: 'test.example/v1', kind: 'Widget' };
    const json = 'application/json';
    const get = { method: 'GET', type: undefined, body: undefined };
    expect(seen).toEqual([
      { ...get, url: `${root}/namespaces/n/widgets/a` },
      { ...get, url: `${root}/widgets?limit=5&labelSelector=color+in+%28red%2Cblue%29` },
      {
        method: 'POST',
        url: `${root}/namespaces/n/widgets?dryRun=All`,
        type: json,
        body: { ...typed, metadata: { name: 'a' }, color: 'red' },
      },
      {
        method: 'PUT',
        url: `${root}/namespaces/n/widgets/a/status`,
        type: json,
        body: { ...typed, ...widget('a') },
      },
      {
        method: 'PATCH',
        url: `${root}/namespaces/n/widgets/a`,
        type: 'application/merge-patch+json',
        body: { color: null },
      },
      {
        method: 'DELETE',
        url: `${root}/namespaces/n/widgets/a`,
        type: json,
        body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'u' } },
      },
    ]);
  });

  it('applies an object whole, and takes fields over only when it is told to', async () => {
    const object = { metadata: { name: 'a' }, color: 'red' };
    await client.apply(widgets, 'n', object, { fieldManager: 'us' });
    await client.apply(widgets, 'n', object, { fieldManager: 'us', force: true });
    const body = { apiVersion: expect.any(String) as string, kind: 'Widget', ...object };
    const call = { method: 'PATCH', type: 'application/apply-patch+yaml', body };
    expect(seen).toEqual([
      { ...call, url: expect.stringMatching(/widgets\/a\?fieldManager=us&force=false$/) as string },
      { ...call, url: expect.stringMatching(/widgets\/a\?fieldManager=us&force=true$/) as string },
    ]);
  });

  it('rejects calls for names that are none, without a call', async () => {
    await expect(client.get(widgets, 'n', '')).rejects.toThrow('is no name');
    await expect(client.delete(widgets, 'n', '')).rejects.toThrow('is no name');
    expect(seen).toEqual([]);
  });

  it('turns an answer of 400 or more into a KubeError', async () => {
    handle = (_request, response) => {
      response.writeHead(429, { 'retry-after': '2' });
      response.end(JSON.stringify({ kind: 'Status', message: 'too many requests', reason: 'TooManyRequests' }));
    };
    const err = await client.get(widgets, 'n', 'a').catch((caught: unknown) => caught);
    expect(err).toBeInstanceOf(KubeError);
    expect(err).toMatchObject({ code: 429, reason: 'TooManyRequests', retryAfterMs: 2000 });
    expect((err as Error).message).toBe('GET /apis/test.example/v1/namespaces/n/widgets/a: too many requests');
  });

  it('takes the page of a proxy as the message of the error', async () => {
    handle = (_request, response) => response.writeHead(502).end(`<html>${'x'.repeat(5000)}`);
    const err = await client.list(widgets, 'n').catch((caught: unknown) => caught);
    expect(err).toMatchObject({ code: 502, retryAfterMs: undefined });
    expect((err as Error).message.length).toBeLessThan(1200);
  });

  it('does not quote an answer that is not JSON, which may hold a secret', async () => {
    handle = (_request, response) => response.end('{"data":{"password":"hunter2"');
    await expect(client.get(widgets, 'n', 'a')).rejects.toThrow(
      /^the answer to .*widgets\/a is not JSON \(29 characters\)$/,
    );
  });

  it('watches from a version with bookmarks, until the server closes', async () => {
    const event = { type: 'ADDED', object: widget('a') };
    answerWatch([`${JSON.stringify(event)}\n`], (response) => response.end());
    expect(await watchAll()).toEqual([event]);
    expect(seen[0]!.url).toBe(
      '/apis/test.example/v1/namespaces/n/widgets?resourceVersion=5&timeoutSeconds=300&watch=true&allowWatchBookmarks=true',
    );
  });

  it('puts together lines and characters that are cut at any byte', async () => {
    const events = ['日本', '😀', 'é'].map((name) => ({ type: 'MODIFIED', object: widget(name) }));
    const bytes = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    answerWatch(
      [...bytes].map((byte) => Uint8Array.of(byte)),
      (response) => response.end(),
    );
    expect(await watchAll()).toEqual(events);
  });

  it('reads an object of many megabytes', async () => {
    const event = { type: 'ADDED', object: { ...widget('a'), color: 'x'.repeat(8 * 1024 * 1024) } };
    answerWatch([`${JSON.stringify(event)}\n`], (response) => response.end());
    const events = await watchAll();
    expect((events[0] as { object: Widget }).object.color).toHaveLength(8 * 1024 * 1024);
  });

  it('leaves out an event that was cut off by the end of the watch', async () => {
    const event = JSON.stringify({ type: 'ADDED', object: widget('a') });
    answerWatch([`${event}\n`, event.slice(0, 20)], (response) => response.end());
    expect(await watchAll()).toHaveLength(1);
  });

  it('throws when the connection of a watch breaks', async () => {
    answerWatch(['\n'], (response) => response.socket?.resetAndDestroy());
    await expect(watchAll()).rejects.toThrow();
  });

  it('throws when the watch is refused', async () => {
    handle = (_request, response) => response.writeHead(410).end('{"kind":"Status","reason":"Expired","code":410}');
    await expect(watchAll()).rejects.toMatchObject({ code: 410, reason: 'Expired' });
  });

  it('ends a watch without an error when its signal aborts: before, during the call and while it waits', async () => {
    const closed = vi.fn();
    handle = (request) => request.socket.on('close', closed);
    expect(await watchAll(AbortSignal.abort())).toEqual([]);
    const calling = new AbortController();
    const called = watchAll(calling.signal);
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    calling.abort();
    expect(await called).toEqual([]);
    await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1));
    handle = (request, response) => {
      request.socket.on('close', closed);
      response.flushHeaders();
    };
    const waiting = new AbortController();
    const waited = watchAll(waiting.signal);
    await vi.waitFor(() => expect(seen).toHaveLength(2));
    waiting.abort();
    expect(await waited).toEqual([]);
    await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(2));
  });

  it('closes the connection of a watch whose reader has enough', async () => {
    const closed = vi.fn();
    handle = (request, response) => {
      request.socket.on('close', closed);
      response.write(`${JSON.stringify({ type: 'ADDED', object: widget('a') })}\n`);
    };
    const options = { resourceVersion: '5', timeoutSeconds: 300, signal: new AbortController().signal };
    const watch = client.watch(widgets, 'n', options);
    await watch.next();
    await watch.return(undefined);
    await vi.waitFor(() => expect(closed).toHaveBeenCalledOnce());
  });
});
