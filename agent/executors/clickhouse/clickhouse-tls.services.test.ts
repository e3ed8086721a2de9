import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Service } from '../../../test/services/service.ts';
import { execute } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import { createCertificate } from '../../../test/certificate.ts';
import { ClickHouseExecutor } from './clickhouse-executor.ts';

let server: Service;
let executor: ClickHouseExecutor;

/** Takes TLS off and passes everything on; the real server here has none. */
async function proxy(protocol: 'native' | 'https', address = '127.0.0.1'): Promise<{ port: number; ca: string }> {
  const { key, cert } = await createCertificate(address);
  const port = (protocol === 'native' ? server.ports['native'] : server.port) ?? 0;
  const proxied = createServer({ key, cert }, (socket) => {
    const upstream = connect(port, server.host);
    socket.pipe(upstream).pipe(socket);
    for (const end of [socket, upstream])
      end.on('error', () => undefined).on('close', () => (socket.destroy(), upstream.destroy()));
  }).on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => proxied.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxied.close());
  return { port: (proxied.address() as AddressInfo).port, ca: cert };
}

const run = (target: object): Promise<Execution> =>
  execute(executor, { command: 'SELECT 40 + 2 AS answer', params: { target: { host: '127.0.0.1', ...target } } });

const refused = {
  state: 'Failed',
  reason: 'ConnectionFailed',
  message: expect.stringMatching(/^connection failed: .*certificate/i) as string,
};

describe.skipIf(!hasServices('clickhouse-18'))('ClickHouse with TLS', () => {
  beforeAll(async () => {
    server = await service('clickhouse-18');
    executor = new ClickHouseExecutor({ connections: new Map(), spoolFolder: tmpdir() });
  });

  afterAll(() => executor.close());

  it.each(['native', 'https'] as const)('verifies the certificate by %s unless it is told not to', async (protocol) => {
    const { port, ca } = await proxy(protocol);
    const secure = { port, protocol, ...(protocol === 'native' ? { sslmode: 'verify-full' } : {}) };
    expect((await run({ ...secure, ca })).result.toString()).toContain('42');
    expect((await run(secure)).outcome).toMatchObject(refused);
    expect((await run({ port, protocol, ca })).result.toString()).toContain('42');
    const trusting = { port, protocol, verify_ssl: false, ...(protocol === 'native' ? { sslmode: 'require' } : {}) };
    expect((await run(trusting)).result.toString()).toContain('42');
    expect((await run({ port, protocol, sslmode: 'require' })).result.toString()).toContain('42');
  });

  it.each(['native', 'https'] as const)(
    'checks the name by %s in verify-full, but not in verify-ca',
    async (protocol) => {
      const { port, ca } = await proxy(protocol, '127.0.0.2');
      expect((await run({ port, protocol, ca, sslmode: 'verify-ca' })).result.toString()).toContain('42');
      expect((await run({ port, protocol, ca, sslmode: 'verify-full' })).outcome).toMatchObject({
        reason: 'ConnectionFailed',
        message: expect.stringMatching(/altnames|127\.0\.0\.2/) as string,
      });
    },
  );

  it.each(['native', 'http'] as const)(
    'fails by %s when the server speaks TLS and was not expected to',
    async (protocol) => {
      const { port } = await proxy('native');
      expect((await run({ port, protocol })).outcome).toMatchObject({ state: 'Failed', reason: 'ConnectionFailed' });
    },
  );

  it.each(['native', 'https'] as const)('says by %s that the server does not speak TLS', async (protocol) => {
    const port = protocol === 'native' ? server.ports['native'] : server.port;
    expect((await run({ port, protocol, sslmode: 'require' })).outcome).toEqual({
      state: 'Failed',
      reason: 'ConnectionFailed',
      message: `connection failed: clickhouse://default@127.0.0.1:${port}/default: the server does not speak TLS there`,
    });
  });

  it('takes the port that a protocol has by default, and the protocol of a port', async () => {
    const byName = async (target: object): Promise<string> =>
      (await run({ host: `${randomUUID()}.invalid`, ...target })).outcome.message;
    expect(await byName({})).toContain(':9000/default');
    expect(await byName({ protocol: 'http' })).toContain(':8123/default');
    expect(await byName({ protocol: 'https' })).toContain(':8443/default');
    expect(await byName({ protocol: 'native', user: 'u', database: 'd' })).toMatch(
      /^connection failed: clickhouse:\/\/u@.*:9000\/d: .*ENOTFOUND/,
    );
  });
});
