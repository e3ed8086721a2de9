import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Credential } from '../executors/executor.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import type { ConnectionSettings } from './connections.ts';
import { resolveTarget } from './target.ts';
import type { Target } from './target.ts';

const defaults = { port: 5432, user: 'postgres', database: 'postgres' };

function resolve(
  params: Record<string, unknown>,
  {
    secrets = {},
    connections = [],
    fallback,
  }: { secrets?: Record<string, Credential>; connections?: ConnectionSettings[]; fallback?: string } = {},
): Promise<Target> {
  const credential = (name: string): Promise<Credential> =>
    secrets[name] === undefined ? Promise.reject(new Error('secret not found')) : Promise.resolve(secrets[name]);
  return resolveTarget(
    { params, credential },
    {
      type: 'postgres',
      connections: new Map(connections.map((settings) => [settings.name, settings])),
      defaults: { ...defaults, ...(fallback === undefined ? {} : { connection: fallback }) },
    },
  );
}

const secret = (data: Record<string, string>, allowedHosts?: string[]): Record<string, Credential> => ({
  login: { data, allowedHosts },
});

describe('resolveTarget', () => {
  it('takes the target before the connection, and the defaults for what it does not say', async () => {
    const connections = [{ name: 'main', host: 'other', user: 'someone' }];
    const target = await resolve({ target: { host: 'db' }, connection: 'main' }, { connections });
    expect(target).toMatchObject({
      host: 'db',
      port: 5432,
      user: 'postgres',
      database: 'postgres',
      password: undefined,
    });
  });

  it('takes the database from target.db, target.database, database and the connection, in this order', async () => {
    const connections = [{ name: 'main', host: 'db', database: 'fourth' }];
    const databaseOf = async (params: Record<string, unknown>): Promise<string> =>
      (await resolve(params, { connections })).database;
    const target = { host: 'db', db: 'first', database: 'second' };
    expect(await databaseOf({ target, database: 'third' })).toBe('first');
    expect(await databaseOf({ target: { ...target, db: undefined }, database: 'third' })).toBe('second');
    expect(await databaseOf({ target: { host: 'db' }, database: 'third' })).toBe('third');
    expect(await databaseOf({ connection: 'main', database: 'third' })).toBe('third');
    expect(await databaseOf({ connection: 'main' })).toBe('fourth');
  });

  it('takes the login from the Secret of the target, or else of the params', async () => {
    const secrets = secret({ password: 'hunter2', user: 'app' });
    for (const params of [
      { target: { host: 'db', secret_ref: 'login' } },
      { target: { host: 'db' }, secret_ref: 'login' },
    ]) {
      const target = await resolve(params, { secrets });
      expect(target).toMatchObject({ user: 'app', password: 'hunter2', secrets: ['hunter2'] });
      expect(target.label + target.key).not.toContain('hunter2');
    }
  });

  it('sends a Secret only where it may be sent', async () => {
    const secrets = secret({ password: 'hunter2' }, ['*.example.com']);
    const to = (host: string): Promise<Target> => resolve({ target: { host, secret_ref: 'login' } }, { secrets });
    expect((await to('db.example.com')).password).toBe('hunter2');
    await expect(to('evil.com')).rejects.toMatchObject({ reason: 'SecurityPolicyViolation' });
  });

  it('reads the password of a connection anew each time, from a file or a variable', async () => {
    const path = join(temporaryFolder(), 'password');
    const connections = [{ name: 'main', host: 'db', passwordFile: path }];
    writeFileSync(path, 'first\n');
    expect((await resolve({ connection: 'main' }, { connections })).password).toBe('first');
    writeFileSync(path, 'second');
    expect((await resolve({ connection: 'main' }, { connections })).password).toBe('second');
    const other = [{ name: 'main', host: 'db', passwordEnv: 'TIANGONG_TEST_NO_SUCH_VARIABLE' }];
    await expect(resolve({ connection: 'main' }, { connections: other })).rejects.toMatchObject({
      reason: 'CredentialUnavailable',
      message: expect.stringContaining('TIANGONG_TEST_NO_SUCH_VARIABLE') as string,
    });
  });

  it('takes the default connection of types that have one', async () => {
    const connections = [{ name: 'default', host: 'db' }];
    expect((await resolve({}, { connections, fallback: 'default' })).host).toBe('db');
    await expect(resolve({}, { fallback: 'default' })).rejects.toThrow("connection 'default' not found");
  });

  it('knows targets apart by everything that makes a connection another one', async () => {
    const key = async (target: object, password = 'a'): Promise<string> =>
      (await resolve({ target: { host: 'db', secret_ref: 'login', ...target } }, { secrets: secret({ password }) }))
        .key;
    const keys = await Promise.all([
      key({}),
      key({}, 'b'),
      ...[{ port: 1 }, { user: 'x' }, { db: 'x' }, { sslmode: 'require' }, { ca: 'x' }, { verify_ssl: false }].map(
        (t) => key(t),
      ),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(await key({})).toBe(keys[0]);
  });

  it.each([
    [{}, 'params is required, must provide target or connection'],
    [{ target: 'db' }, 'params.target must be an object'],
    [{ target: {} }, 'params.target.host is required'],
    [{ target: { host: 'a b' } }, 'params.target.host must be a host name or an address'],
    [{ target: { host: 'a/b' } }, 'params.target.host must be a host name or an address'],
    [{ target: { host: 'db', port: '5432' } }, 'params.target.port must be a whole number from 1 to 65535'],
    [{ target: { host: 'db', port: 0 } }, 'params.target.port must be a whole number from 1 to 65535'],
    [{ target: { host: 'db', user: 1 } }, 'params.target.user must be a string'],
    [{ target: { host: 'db', sslmode: 'maybe' } }, /^params\.target\.sslmode must be one of disable, /],
    [{ target: { host: 'db', verify_ssl: 'no' } }, 'params.target.verify_ssl must be true or false'],
    [{ connection: 5 }, 'params.connection must be a string'],
  ])('refuses %j', async (params, message) => {
    await expect(resolve(params)).rejects.toMatchObject({ reason: 'InvalidParams' });
    await expect(resolve(params)).rejects.toThrow(message);
  });

  it('takes IPv6 addresses with and without brackets', async () => {
    expect((await resolve({ target: { host: '[::1]' } })).host).toBe('::1');
    expect((await resolve({ target: { host: '::1' } })).label).toBe('postgres://postgres@[::1]:5432/postgres');
  });
});
