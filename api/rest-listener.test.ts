import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Counter, Registry } from 'prom-client';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCertificate as certificate } from '../test/certificate.ts';
import { RestListener } from './rest-listener.ts';
import { readTlsPair, watchTlsPair } from './tls-files.ts';
import type { TlsPair } from './tls-files.ts';

describe('RestListener', () => {
  let folder: string;
  let pair: TlsPair;
  const log: string[] = [];
  const logger = pino({}, { write: (line: string) => void log.push(line) });
  const files = (): { certFile: string; keyFile: string } => ({
    certFile: join(folder, 'tls.crt'),
    keyFile: join(folder, 'tls.key'),
  });
  const save = async ({ cert, key }: TlsPair): Promise<void> => {
    await Promise.all([writeFile(files().certFile, cert), writeFile(files().keyFile, key)]);
  };
  const start = (settings: object): RestListener =>
    new RestListener({
      app: (_req, res) => void res.end('hello'),
      settings: { host: '127.0.0.1', port: 0, auth: 'none', ...settings },
      registry: new Registry(),
      isReady: () => true,
      logger,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tiangong-listener-'));
    pair = await certificate();
    await save(pair);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('speaks HTTPS with the certificate, from TLS 1.2 on', async () => {
    const listener = start({ tls: files() });
    const { url, port } = await listener.listen();
    const dispatcher = new Agent({ connect: { ca: pair.cert } });
    expect(url).toBe(`https://127.0.0.1:${port}`);
    expect(await (await fetch(url, { dispatcher })).text()).toBe('hello');
    const old = connect({ port, host: '127.0.0.1', ca: pair.cert, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
    const [err] = (await once(old, 'error')) as [Error];
    expect(err.message).toMatch(/protocol|version|alert/i);
    await dispatcher.close();
    await listener.close();
  });

  it('does not start with a certificate and the key of another', async () => {
    const other = await certificate();
    await writeFile(join(folder, 'other.key'), other.key);
    const tls = { certFile: files().certFile, keyFile: join(folder, 'other.key') };
    expect(() => start({ tls })).toThrow('are no certificate and its key');
    expect(() => start({ tls: { ...tls, keyFile: join(folder, 'none') } })).toThrow('ENOENT');
  });

  it('serves metrics and health, and nothing else, on a port of their own', async () => {
    const registry = new Registry();
    new Counter({ name: 'seen_total', help: 'Seen.', registers: [registry] }).inc();
    let ready = false;
    const listener = new RestListener({
      app: (_req, res) => void res.end('hello'),
      settings: { host: '127.0.0.1', port: 0, auth: 'none', metricsPort: 0 },
      ...{ registry, isReady: () => ready, logger },
    });
    const { metricsPort } = await listener.listen();
    const get = async (path: string, method = 'GET'): Promise<[number, string]> => {
      const response = await fetch(`http://127.0.0.1:${metricsPort}${path}`, { method });
      return [response.status, await response.text()];
    };
    expect(await get('/metrics')).toEqual([200, expect.stringContaining('seen_total 1')]);
    expect((await get('/readyz'))[0]).toBe(503);
    ready = true;
    expect((await get('/readyz'))[0]).toBe(200);
    expect((await get('/healthz?x'))[0]).toBe(200);
    for (const path of ['/', '/api/v1/tasks', '/constructor']) expect((await get(path))[0]).toBe(404);
    expect((await get('/metrics', 'POST'))[0]).toBe(404);
    await listener.close();
  });

  it('warns when tokens would come by plain HTTP over a network', async () => {
    const listener = start({ host: '0.0.0.0', auth: 'kubernetes' });
    await listener.listen();
    await listener.close();
    expect(log.join('')).toContain('tokens come by plain HTTP');
  });
});

describe('watchTlsPair', () => {
  it('takes a new pair when the link to it changes, and keeps the one before while the new one does not work', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tiangong-tls-'));
    // As the kubelet lays a Secret out: files behind a link to a folder, which is replaced whole.
    const publish = async (name: string, { cert, key }: TlsPair): Promise<void> => {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'tls.crt'), cert);
      await writeFile(join(folder, name, 'tls.key'), key);
      await symlink(name, join(folder, '..tmp'));
      await rename(join(folder, '..tmp'), join(folder, '..data'));
    };
    const [first, second] = [await certificate(), await certificate()];
    await publish('one', first);
    const files = { certFile: join(folder, '..data/tls.crt'), keyFile: join(folder, '..data/tls.key') };
    const changed: TlsPair[] = [];
    const errors: Error[] = [];
    const on = { onChange: (pair: TlsPair) => changed.push(pair), onError: (err: Error) => errors.push(err) };
    const stop = watchTlsPair(files, readTlsPair(files), on, 5);
    await publish('two', { cert: second.cert, key: first.key });
    await expect.poll(() => errors.length).toBe(1);
    expect(changed).toEqual([]);
    expect(errors[0]?.message).not.toContain('PRIVATE');
    await publish('three', second);
    await expect.poll(() => changed.map(({ cert }) => cert)).toEqual([second.cert]);
    expect(errors.length).toBe(1);
    stop();
    expect(await readFile(files.certFile, 'utf8')).toBe(second.cert);
    await rm(folder, { recursive: true });
  });
});
