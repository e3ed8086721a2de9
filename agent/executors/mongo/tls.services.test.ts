import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { createCertificate } from '../../../test/certificate.ts';
import { TestDatabase } from './testing/test-database.ts';
import { tlsProxy } from './testing/tls-proxy.ts';

describe.skipIf(!hasServices('mongo'))('MongoExecutor and TLS', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service('mongo'));
  });
  afterAll(() => database?.drop());

  it('speaks TLS, and verifies the certificate as it is told', async () => {
    const { key, cert } = await createCertificate();
    const { cert: other } = await createCertificate();
    const port = await tlsProxy({ key, cert }, database.server);
    const count = { operation: 'count', collection: 'many' };
    const through = async (changes: Record<string, unknown>): Promise<string> => {
      const { outcome } = await database.run(count, { target: database.target({ port, ...changes }) });
      return outcome.state === 'Succeeded' ? outcome.state : `${outcome.reason}: ${outcome.message}`;
    };
    expect(await through({ ca: cert })).toBe('Succeeded');
    expect(await through({ sslmode: 'verify-full', ca: cert })).toBe('Succeeded');
    // The certificate is for 127.0.0.1.
    expect(await through({ sslmode: 'verify-ca', ca: cert, host: 'localhost' })).toBe('Succeeded');
    expect(await through({ sslmode: 'verify-full', ca: cert, host: 'localhost' })).toMatch(/^ConnectionFailed: /);
    expect(await through({ sslmode: 'require' })).toBe('Succeeded');
    expect(await through({ protocol: 'tls', verify_ssl: false })).toBe('Succeeded');
    expect(await through({ protocol: 'tls' })).toMatch(
      /^ConnectionFailed: connection failed: .*self-signed certificate/,
    );
    expect(await through({ sslmode: 'verify-full', ca: other })).toMatch(/^ConnectionFailed: .*certificate/);
    expect(await through({})).toMatch(/^ConnectionFailed: connection failed: /);
    expect(await through({ sslmode: 'prefer' })).toMatch(/^InvalidParams: params.target: sslmode prefer/);
  });
});
