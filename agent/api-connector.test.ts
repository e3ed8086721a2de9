import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCertificate } from '../test/certificate.ts';
import { TiangongApi } from './tiangong-api.ts';

describe('an agent that checks the certificate of the API', () => {
  let server: Server;
  let url: string;
  const api = (ca: () => string | undefined): TiangongApi =>
    new TiangongApi({ url, token: () => Promise.resolve('t'), ca });

  beforeEach(async () => {
    server = createServer(await createCertificate(), (_req, res) => res.end('uname'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('heeds another CA from its next connection on', async () => {
    const [before, after] = await Promise.all([createCertificate(), createCertificate()]);
    server.setSecureContext(before);
    let ca = before.cert;
    const client = api(() => ca);
    try {
      expect((await client.command('u', 100)).toString()).toBe('uname');
      server.setSecureContext(after);
      server.closeAllConnections();
      await expect(client.command('u', 100)).rejects.toThrow();
      ca = after.cert;
      expect((await client.command('u', 100)).toString()).toBe('uname');
    } finally {
      await client.close();
    }
  });

  it('says so when the CA cannot be read, and connects once it can', async () => {
    const certificate = await createCertificate();
    server.setSecureContext(certificate);
    let isThere = false;
    const client = api(() => {
      if (!isThere) throw new Error('ENOENT: /etc/tiangong/api-ca/ca.crt');
      return certificate.cert;
    });
    try {
      await expect(client.command('u', 100)).rejects.toThrow('ENOENT');
      isThere = true;
      expect((await client.command('u', 100)).toString()).toBe('uname');
    } finally {
      await client.close();
    }
  });
});
