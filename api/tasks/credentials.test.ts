import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitCredentials } from './credentials.ts';
import type { SplitParams } from './credentials.ts';
import { showParams } from './masked-params.ts';

const NAME = 'task-1';

function shown({ params, masked }: SplitParams): unknown {
  const annotation = masked.length === 0 ? undefined : JSON.stringify(masked);
  return JSON.parse(showParams(JSON.stringify(params), annotation, NAME));
}

describe('splitCredentials', () => {
  it('leaves params without credentials as they are', () => {
    const params = { url: 'https://example.com/?a=@', headers: { Accept: 'text/plain' }, target: { user: 'u' }, n: 1 };
    const split = splitCredentials(NAME, params);
    expect(split).toEqual({ params, secrets: [], masked: [] });
    expect(shown(split)).toEqual(params);
  });

  it('puts each kind into a Secret of its own, the first named as the task', () => {
    const params = { token: 't', target: { host: 'h', password: 'p' }, headers: { Cookie: 'c' } };
    const split = splitCredentials(NAME, params);
    expect(split.secrets).toEqual([
      { name: 'task-1', data: { Cookie: 'c' } },
      { name: 'task-1-target', data: { password: 'p' } },
      { name: 'task-1-params', data: { token: 't' } },
    ]);
    expect(split.params).toEqual({
      secret_ref: 'task-1-params',
      headers_secret_ref: 'task-1',
      target: { host: 'h', secret_ref: 'task-1-target' },
      headers: {},
    });
    expect(shown(split)).toEqual({ token: '***', target: { host: 'h', password: '***' }, headers: { Cookie: '***' } });
  });

  it.each([
    ['http://user:pa%40ss@host/x', 'http://host/x', 'user:pa@ss', 'http://***@host/x'],
    ['http://user@host', 'http://host', 'user:', 'http://***@host'],
    [' https://a:b@c@host/x@y', 'https://host/x@y', 'a:b@c', 'https://***@host/x@y'],
    ['ht\ntp://u:p@host', 'http://host', 'u:p', 'http://***@host'],
    ['http:\\\\u:p@host', 'http:\\\\host', 'u:p', 'http:\\\\***@host'],
  ])('makes basic authentication of the user information in %j', (url, rest, user, echo) => {
    const split = splitCredentials(NAME, { url });
    expect(split.params['url']).toBe(rest);
    expect(split.secrets[0]?.data).toEqual({ Authorization: `Basic ${Buffer.from(user).toString('base64')}` });
    expect(shown(split)).toEqual({ url: echo });
  });

  it('prefers an Authorization header to the user information in the URL', () => {
    const split = splitCredentials(NAME, { url: 'http://u:p@host/', headers: { authorization: 'Bearer x' } });
    expect(split.secrets[0]?.data).toEqual({ authorization: 'Bearer x' });
  });

  it('takes out everything that the resource refuses', () => {
    const crd = readFileSync(new URL('../../crds/deploytasks.yaml', import.meta.url), 'utf8');
    const headers = /\((authorization\|[a-z|-]+)\)/.exec(crd)?.[1]?.split('|') ?? [];
    const keys = [...crd.matchAll(/rule: "!has\(self\.(\w+)\)"/g)].map(([, key = '']) => key);
    expect(headers).toContain('authorization');
    expect(keys).toContain('password');
    const all = (names: string[]): Record<string, string> => Object.fromEntries(names.map((name) => [name, 'x']));
    const { params } = splitCredentials(NAME, { ...all(keys), target: all(keys), headers: all(headers) });
    expect(params).toEqual({
      ...{ secret_ref: 'task-1-params', headers_secret_ref: 'task-1', headers: {} },
      target: { secret_ref: 'task-1-target' },
    });
  });

  it.each([
    ['beside a Secret of the caller', { password: 'x', secret_ref: 'own' }],
    ['beside a Secret of the caller in target', { target: { password: 'x', secret_ref: 'own' } }],
    ['in headers beside a Secret of the caller', { headers: { Cookie: 'x' }, headers_secret_ref: 'own' }],
    ['that are not text', { password: { a: 'secret-value' } }],
    ['in headers that are a list', { headers: ['Authorization: secret-value'] }],
    ['under a name that no Secret can hold', { headers: { 'x-token!': 'secret-value' } }],
    ['badly encoded in the URL', { url: 'http://secret-value%zz@host' }],
  ])('refuses credentials %s, without repeating them', (_what, params) => {
    expect(() => splitCredentials(NAME, params)).toThrow(
      expect.objectContaining({
        code: 'InvalidRequest',
        message: expect.not.stringContaining('secret-value') as string,
      }),
    );
  });

  it('never lets a credential into the task or its echo, whatever else is there', () => {
    // A value that is nowhere else by chance.
    const secret = fc.string({ minLength: 1, maxLength: 30 }).map((text) => `S3CR3T${text}`);
    const key = fc.constantFrom('password', 'passwd', 'api_key', 'token', 'Password', 'TOKEN', 'access_token');
    const header = fc.constantFrom(
      'Authorization',
      'cookie',
      'X-Api-Key',
      'Proxy-Authorization',
      'X-Auth-Token',
      'x-amz-security-token',
      'PRIVATE-TOKEN',
      'X-Vault-Token',
    );
    const withoutAt = fc.string().filter((text) => !text.includes('@'));
    const plain = fc.dictionary(fc.constantFrom('a', 'b', 'user', 'host', 'Accept', '__proto__'), withoutAt);
    const holder = (secretKey: fc.Arbitrary<string>): fc.Arbitrary<Record<string, unknown>> =>
      fc.tuple(plain, fc.dictionary(secretKey, secret)).map(([rest, secrets]) => ({ ...rest, ...secrets }));
    const url = fc
      .tuple(
        fc.constantFrom('http', 'HTTPS'),
        fc.constantFrom('://', ':\\\\', ':/', '://\t'),
        secret,
        fc.option(secret),
      )
      .map(([scheme, slashes, user, password]) => {
        const info = [user, password].filter((part) => part !== null).map(encodeURIComponent);
        return `${scheme}${slashes}${info.join(':')}@host/path?q=1#f`;
      });
    const params = fc.record(
      { target: holder(key), headers: holder(header), url, extra: fc.jsonValue() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(params, holder(key), (rest, top) => {
        const split = splitCredentials(NAME, { ...rest, ...top });
        expect(JSON.stringify(split.params)).not.toContain('S3CR3T');
        expect(JSON.stringify(split.masked)).not.toContain('S3CR3T');
        expect(JSON.stringify(shown(split))).not.toContain('S3CR3T');
        const kept = Object.keys(shown(split) as object).sort();
        expect(kept, 'every field is still shown').toEqual(Object.keys({ ...rest, ...top }).sort());
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [{ uri: 'mongodb://u:hunter2@h/' }, 'params.uri'],
    [{ target: { host: 'h', url: 'http://u:hunter2@h' } }, 'params.target.url'],
    [{ target: { host: 'hunter2@127.0.0.1' } }, 'params.target.host'],
    [{ target: { host: 'http://u:hunter2@127.0.0.1' } }, 'params.target.host'],
  ])('refuses a login in an address that is none of its own: %j', (params, place) => {
    expect(() => splitCredentials('task-1', params)).toThrow(`user information may not stand in ${place}`);
  });

  it('leaves text that a task sends as it is', () => {
    const params = { url: 'http://h/', body: 'see http://a@b/', stdin: 'ftp://a@b/' };
    expect(splitCredentials('task-1', params).params).toEqual(params);
  });
});
