import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { startHealthServer } from './health-server.ts';

describe('startHealthServer', () => {
  let server: Server | undefined;
  afterEach(async () => {
    server?.close();
    server?.closeAllConnections();
    if (server?.listening === true) await once(server, 'close');
  });

  it('tells health, readiness and metrics', async () => {
    const registry = new Registry();
    new Counter({ name: 'writes_total', help: 'Writes.', registers: [registry] }).inc();
    let ready = false;
    server = await startHealthServer({ host: '127.0.0.1', port: 0, registry, ready: () => ready });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const statusOf = async (path: string): Promise<number> => (await fetch(url + path)).status;
    expect(await statusOf('/healthz')).toBe(200);
    expect(await statusOf('/readyz')).toBe(503);
    ready = true;
    expect(await statusOf('/readyz?verbose')).toBe(200);
    expect(await statusOf('/')).toBe(404);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('writes_total 1');
  });

  it('rejects when the port is taken', async () => {
    const options = { host: '127.0.0.1', registry: new Registry(), ready: () => true };
    server = await startHealthServer({ ...options, port: 0 });
    const { port } = server.address() as AddressInfo;
    await expect(startHealthServer({ ...options, port })).rejects.toThrow(/EADDRINUSE/);
  });
});
