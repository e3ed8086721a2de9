import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { createCertificate } from '../../../test/certificate.ts';
import { TestIndices, randomIndexName } from './testing/test-indices.ts';

describe.skipIf(!hasServices('elasticsearch'))('ElasticsearchExecutor and TLS', () => {
  const index = randomIndexName();
  let indices: TestIndices;

  beforeAll(async () => {
    indices = await TestIndices.create(await service('elasticsearch'), index);
  });
  afterAll(() => indices?.drop());

  async function proxy(certificate: { key: string; cert: string }): Promise<number> {
    const tls = createServer(certificate, (socket) => {
      const upstream = connect(indices.server.port, indices.server.host);
      socket.pipe(upstream).pipe(socket);
      socket.on('error', () => upstream.destroy());
      upstream.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void tls.close());
    return (tls.address() as AddressInfo).port;
  }
  const reasonOf = async (changes: Record<string, unknown>): Promise<string> => {
    const { outcome } = await indices.run({ operation: 'count', index }, { target: indices.target(changes) });
    return outcome.state === 'Succeeded' ? outcome.state : `${outcome.reason}: ${outcome.message}`;
  };

  it('verifies the certificate and its host as the task asks', async () => {
    const [own, other] = await Promise.all([createCertificate(), createCertificate('127.0.0.9')]);
    const [port, elsewhere] = await Promise.all([proxy(own), proxy(other)]);
    expect(await reasonOf({ port, protocol: 'https' })).toMatch(/^ConnectionFailed: connection failed: .*certificate/);
    expect(await reasonOf({ port, ca: own.cert })).toBe('Succeeded');
    expect(await reasonOf({ port, protocol: 'https', verify_ssl: false })).toBe('Succeeded');
    expect(await reasonOf({ port, sslmode: 'require' })).toBe('Succeeded');
    expect(await reasonOf({ port: elsewhere, sslmode: 'verify-full', ca: other.cert })).toMatch(
      /^ConnectionFailed: .*altnames/,
    );
    expect(await reasonOf({ port: elsewhere, sslmode: 'verify-ca', ca: other.cert })).toBe('Succeeded');
    expect(await reasonOf({ port: elsewhere, sslmode: 'verify-ca', ca: own.cert })).toMatch(/^ConnectionFailed: /);
    expect(await reasonOf({ port })).toMatch(/^ConnectionFailed: connection failed: /);
  });
});
