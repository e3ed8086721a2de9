import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { createCertificate } from '../../../test/certificate.ts';
import { serverProxy } from '../database/testing/server-proxy.ts';
import { TestDatabase } from './testing/test-database.ts';

const SERVERS = (['mysql', 'mariadb'] as const).filter((name) => hasServices(name));

describe.each(SERVERS)('MysqlExecutor and TLS on %s', (server) => {
  let database: TestDatabase;
  let ca: string;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(server));
    if (database.server.caFile === undefined) throw new Error(`the ${server} of the tests must have TLS`);
    ca = readFileSync(database.server.caFile, 'utf8');
  });
  afterAll(() => database?.drop());

  /** Whether the connection was encrypted, or why there was none. */
  const encrypted = async (changes: Record<string, unknown>): Promise<unknown> => {
    const target = database.target(changes);
    const { outcome, result } = await database.run("SHOW SESSION STATUS LIKE 'Ssl_cipher'", {
      target,
      result_format: 'json',
    });
    return outcome.state === 'Failed'
      ? `${outcome.reason}: ${outcome.message}`
      : JSON.parse(result.toString()).statements[0].rows[0].Value !== '';
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
    expect(await encrypted({ sslmode: 'verify-full', ca })).toMatch(
      /^ConnectionFailed: connection failed: .*Hostname\/IP does not match/,
    );
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

  it('takes TLS for an account that must have it with sslmode allow', async () => {
    const name = `tls_${database.name.slice(-8)}`;
    await database.witness.query(`CREATE USER ${name}@'%' IDENTIFIED BY '${database.password}' REQUIRE SSL`);
    await database.witness.query(`GRANT ALL ON ${database.name}.* TO ${name}@'%'`);
    expect(await encrypted({ user: name, sslmode: 'allow' })).toBe(true);
    expect(await encrypted({ user: name, sslmode: 'disable' })).toMatch(/^AuthenticationFailed: /);
    await database.witness.query(`DROP USER ${name}@'%'`);
  });

  it('does not send a wrong password twice, unless without TLS first', async () => {
    let logins = 0;
    const proxy = await serverProxy(database.server, {
      answer: () => {
        logins += 1;
        return undefined;
      },
    });
    const credentials = { login: { data: { password: 'wrong' }, allowedHosts: undefined } };
    const target = database.target({ ...proxy, sslmode: 'prefer' });
    const { outcome } = await database.run('SELECT 1', { target }, { credentials });
    expect([outcome.state === 'Failed' && outcome.reason, logins]).toEqual(['AuthenticationFailed', 1]);
  });

  it('stops what runs by TLS as well', async () => {
    const target = database.target({ sslmode: 'verify-ca', ca });
    const { outcome } = await database.run('SELECT SLEEP(606)', { target, exec_options: { timeout_ms: 300 } });
    expect(outcome).toMatchObject({ reason: 'TimeoutExceeded' });
    expect(await database.running('SLEEP(606)')).toBe(0);
  });
});
