import { describe, expect, it } from 'vitest';
import { SourceError } from '../../source.ts';
import { parseSettings } from './settings.ts';

const credential = { data: { user: 'agent', passwd: 'pa55-word' }, allowedHosts: undefined };
const parse = (uri: string, driverParams: Record<string, unknown> = {}): ReturnType<typeof parseSettings> =>
  parseSettings({ uri, credential, driverParams });

describe('the settings of a source of MySQL', () => {
  it.each([
    ['db.example.com:3307', 'db.example.com', 3307],
    ['db', 'db', 3306],
    ['[::1]:3306', '::1', 3306],
    ['mysql://db:3306/', 'db', 3306],
  ])('find host and port in %s', (uri, host, port) => {
    expect(parse(uri).target).toMatchObject({ host, port, user: 'agent', password: 'pa55-word' });
  });

  it.each(['', 'db:0', 'db:70000', 'a b', 'user@db', 'postgres://db', '::1'])('refuse the address %o', (uri) => {
    expect(() => parse(uri)).toThrow(SourceError);
  });

  it('name tables by patterns, and never those of the server or the marker', () => {
    const { filter } = parse('db', {
      databases: ['shop'],
      tables: ['shop.order_*', 'shop.a.b'],
      marker_table: 'shop.order_m',
    });
    expect(filter.has('shop', 'order_1')).toBe(true);
    expect(filter.has('shop', 'a.b')).toBe(true);
    expect(filter.has('shop', 'orders')).toBe(false);
    expect(filter.has('shop', 'aXb')).toBe(false);
    expect(filter.has('other', 'order_1')).toBe(false);
    expect(filter.has('shop', 'order_m')).toBe(false);
    expect(parse('db').filter.has('mysql', 'user')).toBe(false);
  });

  it.each([
    [{ databases: 'shop' }, 'databases'],
    [{ tables: [1] }, 'tables'],
    [{ marker_table: 'marker' }, 'marker_table'],
    [{ tls: { mode: 'maybe' } }, 'tls'],
    [{ tls: 'yes' }, 'tls'],
    [{ tls: { mode: 'require', ca: 'no certificate' } }, 'tls'],
  ])('refuse %j by its name', (params, name) => {
    expect(() => parse('db', params)).toThrow(new RegExp(`driver_params\\.${name}`));
  });

  it('take TLS as it is asked for', () => {
    expect(parse('db').target.sslmode).toBeUndefined();
    expect(parse('db', { tls: true }).target.sslmode).toBe('verify-full');
    expect(parse('db', { tls: { mode: 'require' } }).target.sslmode).toBe('require');
  });

  it('do not send a login to a host that its Secret does not allow, and need a user', () => {
    const bound = { ...credential, allowedHosts: ['other'] };
    expect(() => parseSettings({ uri: 'db', credential: bound, driverParams: {} })).toThrow(/may not be sent/);
    expect(() => parseSettings({ uri: 'db', credential: undefined, driverParams: {} })).toThrow(/user/);
  });
});
