import { describe, expect, it } from 'vitest';
import type { Target } from '../../connections/target.ts';
import { chooseTransport } from './transport.ts';

const target = (more: Partial<Target>): Target => ({
  host: 'db.example.com',
  port: 9000,
  user: 'default',
  password: undefined,
  apiKey: undefined,
  database: 'default',
  protocol: undefined,
  sslmode: undefined,
  ca: undefined,
  backup: undefined,
  ledger: false,
  verifySsl: undefined,
  authSource: undefined,
  key: '',
  label: '',
  secrets: [],
  ...more,
});

const chosen = (more: Partial<Target>): string => {
  const transport = chooseTransport(target(more));
  if (typeof transport === 'string') return transport;
  const { protocol, tls } = transport;
  return `${protocol} ${tls === undefined ? 'plain' : tls.rejectUnauthorized === false ? 'trusting' : 'verified'}`;
};

describe('chooseTransport', () => {
  it.each([
    [{}, 'native plain'],
    [{ port: 9001 }, 'native plain'],
    [{ port: 8123 }, 'http plain'],
    [{ port: 8443 }, 'http verified'],
    [{ port: 9440 }, 'native verified'],
    [{ port: 8123, protocol: 'native' }, 'native plain'],
    [{ port: 9000, protocol: 'http' }, 'http plain'],
    [{ port: 8123, protocol: 'https' }, 'http verified'],
    [{ protocol: 'https', verifySsl: false }, 'http trusting'],
    [{ sslmode: 'disable' }, 'native plain'],
    [{ sslmode: 'disable', port: 9440 }, 'native plain'],
    [{ ca: 'PEM' }, 'native verified'],
    [{ ca: 'PEM', port: 8123 }, 'http verified'],
    [{ port: 9440, protocol: 'http' }, 'http plain'],
    [{ port: 8443, protocol: 'native' }, 'native verified'],
    [{ sslmode: 'require' }, 'native trusting'],
    [{ sslmode: 'require', ca: 'PEM' }, 'native verified'],
    [{ sslmode: 'require', verifySsl: true }, 'native verified'],
    [{ sslmode: 'verify-full', port: 8123 }, 'http verified'],
  ] as const)('%j: %s', (more, expected) => {
    expect(chosen(more)).toBe(expected);
  });

  it.each([
    [{ protocol: 'grpc' }, /must be native, http or https/],
    [{ sslmode: 'prefer' }, /sslmode prefer is not known/],
    [{ sslmode: 'disable', protocol: 'https' }, /contradict/],
    [{ sslmode: 'require', protocol: 'http' }, /contradict/],
    [{ sslmode: 'verify-full', verifySsl: false }, /contradict/],
    [{ ca: 'PEM', protocol: 'http' }, /ca is for connections with TLS/],
    [{ ca: 'PEM', sslmode: 'disable' }, /ca is for connections with TLS/],
  ] as const)('refuses %j', (more, problem) => {
    expect(chosen(more)).toMatch(problem);
  });

  it('tells the name that the certificate must have, unless it is an address', () => {
    expect(chooseTransport(target({ port: 9440 }))).toMatchObject({ tls: { servername: 'db.example.com' } });
    expect(chooseTransport(target({ port: 9440, host: '::1' }))).not.toHaveProperty('tls.servername');
  });
});
