import { createHmac } from 'node:crypto';
import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import { identityOf, scopeOf } from './caller.ts';

const digest = (text: string): string => createHmac('sha256', 'key of the store').update(text).digest('hex');
const identity = (authorization?: string): string | undefined =>
  identityOf({ headers: { ...(authorization !== undefined && { authorization }) } } as Request, digest);
const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;
const jwt = (payload: unknown): string =>
  `Bearer e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.signature`;

describe('identityOf', () => {
  it('knows a user again when the password or the token has been renewed', () => {
    expect(identity(basic('alice:one'))).toBe('user:alice');
    expect(identity(basic('alice:two:three'))).toBe('user:alice');
    expect(identity(jwt({ sub: 'alice', iat: 1 }))).toBe('user:alice');
    expect(identity(jwt({ sub: 'alice', iat: 2 }))).toBe('user:alice');
    expect(identity(jwt({ sub: 'bob' }))).toBe('user:bob');
  });

  it('tells other tokens apart without showing anything of them', () => {
    const shown = identity('Bearer opaque-token');
    expect(shown).toMatch(/^token:[0-9a-f]{16}$/);
    expect(identity('Bearer opaque-token')).toBe(shown);
    expect(identity('Bearer another')).not.toBe(shown);
    for (const odd of ['Bearer a.b.c', 'Bearer ..', jwt({ sub: 5 }), jwt(null), basic('nocolon'), 'Digest x', 'x'])
      expect(identity(odd)).toMatch(/^token:/);
  });

  it('shows no name that is more than a plain word', () => {
    for (const name of ['a b', 'x\ny', 'ä'.repeat(300), '数据'])
      expect(identity(basic(`${name}:x`))).toMatch(/^token:/);
    expect(identity(basic('数据:one'))).toBe(identity(basic('数据:two')));
  });

  it('is the user whom the Kubernetes API knows, whatever the header says', () => {
    const headers = { authorization: basic('alice:one') };
    const req = (name: string, authorization = headers.authorization): Request =>
      ({ headers: { authorization }, res: { locals: { user: { name } } } }) as unknown as Request;
    const name = 'system:serviceaccount:ns:数据 ci';
    expect(identityOf(req(name), digest)).toBe(name);
    expect(scopeOf(req(name))).toBe(scopeOf(req(name, 'Bearer another')));
    expect(scopeOf(req(name))).not.toBe(scopeOf(req('other')));
    expect(scopeOf(req(name))).not.toBe(scopeOf({ headers } as Request));
  });

  it('is nobody when there is no header', () => {
    expect(identity()).toBeUndefined();
    expect(identity(' ')).toBeUndefined();
  });
});
