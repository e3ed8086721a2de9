import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverCertificate } from './certificate.ts';

describe('serverCertificate', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tiangong-pki-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes a certificate that clients trust for the loopback address', async () => {
    const { key, cert } = await serverCertificate(folder, []);
    const server = createServer({ key, cert }, (_request, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const call = request({ host: '127.0.0.1', port, ca: cert }).end();
    const [response] = (await once(call, 'response')) as [{ statusCode: number; resume: () => void }];
    expect(response.statusCode).toBe(200);
    response.resume();
    server.close();
  });

  it('keeps the certificate over restarts', async () => {
    const first = await serverCertificate(folder, []);
    expect(await serverCertificate(folder, [])).toEqual(first);
  });

  it('makes it again when it lacks a host', async () => {
    const first = await serverCertificate(folder, []);
    const second = await serverCertificate(folder, ['tiangong.example', '192.0.2.7']);
    expect(second.cert).not.toBe(first.cert);
    expect(await serverCertificate(folder, ['192.0.2.7'])).toEqual(second);
  });

  it('lets only the owner read the key', async () => {
    await serverCertificate(folder, []);
    expect(statSync(join(folder, 'server.key')).mode & 0o077).toBe(0);
  });
});
