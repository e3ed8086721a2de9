import { describe, expect, it } from 'vitest';
import { readSettings } from './settings.ts';
import { parseExactly } from './exact-json.ts';

const driverParams = { index_name: 'logs-*', timestamp_field: '@timestamp' };
const credential = (data: Record<string, string>, allowedHosts?: readonly string[]) => ({ data, allowedHosts });

describe('readSettings', () => {
  it('has the defaults of the original', () => {
    const settings = readSettings({
      uri: 'https://es',
      credential: credential({ user: 'u', passwd: 'p' }),
      driverParams,
    });
    expect(settings).toMatchObject({
      index: 'logs-*',
      timestampField: '@timestamp',
      pollingMs: 5000,
      overlapMs: 60_000,
    });
    expect(settings.target).toMatchObject({ host: 'es', port: 443, protocol: 'https', user: 'u', password: 'p' });
    expect(settings.target.key).not.toContain('p@');
  });

  it('takes an API key in place of a password', () => {
    const { target } = readSettings({
      uri: 'http://[::1]:9200/',
      credential: credential({ user: 'u', key: 'k' }),
      driverParams,
    });
    expect(target).toMatchObject({ host: '::1', port: 9200, apiKey: 'k', user: undefined, password: undefined });
  });

  it.each([
    ['ftp://es', driverParams, 'uri must be a URL'],
    ['http://u:secret@es:9200', driverParams, 'uri must not hold a login'],
    ['http://es/path', driverParams, 'uri must end behind its port'],
    ['http://es', { timestamp_field: 't' }, 'index_name'],
    ['http://es', { ...driverParams, index_name: '_all' }, 'index_name'],
    ['http://es', { ...driverParams, index_name: 'a/_doc' }, 'index_name'],
    ['http://es', { index_name: 'a' }, 'timestamp_field'],
    ['http://es', { ...driverParams, polling_interval_sec: 0 }, 'polling_interval_sec'],
    ['http://es', { ...driverParams, overlap_sec: '1' }, 'overlap_sec'],
  ])('refuses %s with %j: %s', (uri, params, message) => {
    const read = (): unknown => readSettings({ uri, credential: undefined, driverParams: params });
    expect(read).toThrow(message);
    expect(read).not.toThrow('secret');
  });

  it('sends a login to no host but those it is meant for', () => {
    const login = credential({ user: 'u', passwd: 'p' }, ['other:9200']);
    expect(() => readSettings({ uri: 'http://es:9200', credential: login, driverParams })).toThrow(
      'the credential may not be sent to es:9200',
    );
  });
});

describe('parseExactly', () => {
  it('keeps numbers that a double holds and makes texts of others', () => {
    const text =
      '[1.0,0.1,1e3,9007199254740991,9007199254740993,-18446744073709551615,0.12345678901234567890,1e999,"1e5"]';
    expect(parseExactly(text)).toEqual([
      1,
      0.1,
      1000,
      9007199254740991,
      '9007199254740993',
      '-18446744073709551615',
      '0.12345678901234567890',
      '1e999',
      '1e5',
    ]);
  });
});
