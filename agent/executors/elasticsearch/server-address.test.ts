import { describe, expect, it } from 'vitest';
import type { Target } from '../../connections/target.ts';
import { addressOf } from './server-address.ts';

const NONE = { user: undefined, password: undefined, apiKey: undefined, database: '', authSource: undefined };
const PLAIN = {
  protocol: undefined,
  sslmode: undefined,
  ca: undefined,
  verifySsl: undefined,
  backup: undefined,
  ledger: false,
};
const target = (changes: Partial<Target>): Target => ({
  ...{ host: 'es', port: 9200, ...NONE, ...PLAIN, key: 'k', label: 'l', secrets: [] },
  ...changes,
});

describe('addressOf', () => {
  it.each([
    ['plain HTTP', {}, 'http://es:9200', {}],
    ['the protocol', { protocol: 'https' }, 'https://es:9200', { verify: true, verifyHost: true }],
    ['a port for TLS', { port: 443 }, 'https://es:443', { verify: true, verifyHost: true }],
    ['an authority', { ca: 'PEM' }, 'https://es:9200', { verify: true, verifyHost: true }],
    ['no TLS on a port for it', { port: 443, sslmode: 'disable' }, 'http://es:443', {}],
    [
      'any certificate',
      { protocol: 'https', verifySsl: false },
      'https://es:9200',
      { verify: false, verifyHost: false },
    ],
    ['sslmode require', { sslmode: 'require' }, 'https://es:9200', { verify: false, verifyHost: false }],
    [
      'sslmode require with an authority',
      { sslmode: 'require', ca: 'PEM' },
      'https://es:9200',
      { verify: true, verifyHost: false },
    ],
    ['sslmode verify-ca', { sslmode: 'verify-ca' }, 'https://es:9200', { verify: true, verifyHost: false }],
    ['sslmode verify-full', { sslmode: 'verify-full' }, 'https://es:9200', { verify: true, verifyHost: true }],
    [
      'sslmode require with verify_ssl',
      { sslmode: 'require', verifySsl: true },
      'https://es:9200',
      { verify: true, verifyHost: true },
    ],
    ['an IPv6 address', { host: '::1' }, 'http://[::1]:9200', {}],
  ])('understands %s', (_name, changes, origin, expected) => {
    const address = addressOf(target(changes));
    expect(address).toMatchObject({ origin, tls: origin.startsWith('https'), ...expected });
  });

  it.each([
    ['another protocol', { protocol: 'native' }],
    ['a mode that may fall back to no TLS', { sslmode: 'prefer' }],
    ['TLS that is asked for and not', { protocol: 'http', sslmode: 'verify-full' }],
    ['verification that is asked for and not', { sslmode: 'verify-ca', verifySsl: false }],
  ])('refuses %s', (_name, changes) => {
    expect(() => addressOf(target(changes))).toThrow(expect.objectContaining({ reason: 'InvalidParams' }));
  });
});
