import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Execution } from '../../conformance/executor.ts';
import { createCertificate } from '../../../test/certificate.ts';
import { serverProxy } from '../database/testing/server-proxy.ts';
import { TestDatabase } from './testing/test-database.ts';

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** ErrorResponse of a server whose pg_hba.conf has no line for a connection. */
function refusal(): Buffer {
  const fields = Buffer.from('SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for host "127.0.0.1", no encryption\0\0');
  const head = Buffer.from([0x45, 0, 0, 0, 0]);
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

describe.skipIf(!hasServices('postgres'))('PostgresExecutor and TLS', () => {
  let database: TestDatabase;
  let ca: string;

  beforeAll(async () => {
    database = await TestDatabase.create(await service('postgres'));
    if (database.server.caFile === undefined) throw new Error('the PostgreSQL of the tests must have TLS');
    ca = readFileSync(database.server.caFile, 'utf8');
  });
  afterAll(() => database?.drop());

  const query = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
  const run = (changes: Record<string, unknown>, command = query): Promise<Execution> =>
    database.run(command, { target: database.target(changes), result_format: 'json' });
  /** Whether the connection was encrypted, or why there was none. */
  const encrypted = async (changes: Record<string, unknown>): Promise<unknown> => {
    const { outcome, result } = await run(changes);
    return outcome.state === 'Failed'
      ? `${outcome.reason}: ${outcome.message}`
      : JSON.parse(result.toString()).statements[0].rows[0].ssl;
  };

  it.each([
    [{}, false],
    [{ sslmode: 'disable' }, false],
    [{ sslmode: 'allow' }, false],
    [{ sslmode: 'prefer' }, true],
    [{ sslmode: 'require' }, true],
    [{ verify_ssl: false }, false],
  ])('encrypts as %j says', async (changes, expected) => {
    expect(await encrypted(changes)).toBe(expected);
  });

  it('checks who signed the certificate with verify-ca, and its name too with verify-full', async () => {
    expect(await encrypted({ sslmode: 'verify-ca', ca })).toBe(true);
    expect(await encrypted({ sslmode: 'verify-full', ca, host: 'localhost' })).toBe(true);
    expect(await encrypted({ ca, host: 'localhost' })).toBe(true);
    expect(await encrypted({ sslmode: 'require', verify_ssl: true, ca, host: 'localhost' })).toBe(true);
    expect(await encrypted({ sslmode: 'verify-full', ca })).toMatch(
      /^ConnectionFailed: connection failed: .*Hostname\/IP does not match/,
    );
    expect(await encrypted({ ca })).toMatch(/Hostname\/IP does not match/);
    expect(await encrypted({ verify_ssl: true, ca })).toMatch(/Hostname\/IP does not match/);
  });

  it.each(['verify-ca', 'verify-full', 'require'])(
    'refuses a certificate of somebody else with a CA and %s',
    async (sslmode) => {
      const { cert } = await createCertificate();
      expect(await encrypted({ sslmode, ca: cert, host: 'localhost' })).toMatch(/^ConnectionFailed: /);
    },
  );

  it('does not trust the certificate when no CA is given and it is to be checked', async () => {
    expect(await encrypted({ sslmode: 'verify-full', host: 'localhost' })).toMatch(/^ConnectionFailed: .*certificate/);
  });

  it('goes without TLS on a server that has none only where sslmode lets it', async () => {
    const proxy = await serverProxy(database.server, {
      answer: (first) => (first.equals(SSL_REQUEST) ? { bytes: Buffer.from('N'), end: false } : undefined),
    });
    expect(await encrypted({ ...proxy, sslmode: 'prefer' })).toBe(false);
    expect(await encrypted({ ...proxy, sslmode: 'require' })).toBe(
      `ConnectionFailed: connection failed: postgres://${database.name}@127.0.0.1:${proxy.port}/${database.name}: The server does not support SSL connections`,
    );
  });

  it('takes TLS on a server that wants it with sslmode allow', async () => {
    const proxy = await serverProxy(database.server, {
      answer: (first) =>
        first.length > 8 && first.readInt32BE(4) === 196_608 ? { bytes: refusal(), end: true } : undefined,
    });
    expect(await encrypted({ ...proxy, sslmode: 'allow' })).toBe(true);
    expect(await encrypted({ ...proxy, sslmode: 'disable' })).toMatch(/^AuthenticationFailed: .*no pg_hba.conf entry/);
  });

  it('does not send a wrong password twice', async () => {
    let logins = 0;
    const proxy = await serverProxy(database.server, {
      answer: (first) => {
        if (first.length > 8) logins += 1;
        return first.equals(SSL_REQUEST) ? { bytes: Buffer.from('N'), end: false } : undefined;
      },
    });
    const credentials = { login: { data: { password: 'wrong' }, allowedHosts: undefined } };
    const target = database.target({ ...proxy, sslmode: 'allow' });
    const { outcome } = await database.run(query, { target }, { credentials });
    expect([outcome.state === 'Failed' && outcome.reason, logins]).toEqual(['AuthenticationFailed', 1]);
  });

  it('cancels by TLS as well', async () => {
    const target = database.target({ sslmode: 'verify-ca', ca });
    const { outcome } = await database.run('SELECT pg_sleep(606)', { target, exec_options: { timeout_ms: 300 } });
    expect(outcome).toMatchObject({ reason: 'TimeoutExceeded' });
    expect(await database.running('pg_sleep(606)')).toBe(0);
  });
});
