import { describe, expect, it } from 'vitest';
import { SourceError } from '../../../source.ts';
import { readPostgresConfig, slotOf } from './postgres-config.ts';
import type { PostgresPlace } from './postgres-config.ts';

const read = (changes: Partial<PostgresPlace>): ReturnType<typeof readPostgresConfig> =>
  readPostgresConfig({ uri: 'db:5432/shop', credential: undefined, driverParams: {}, ...changes });

function refusal(changes: Partial<PostgresPlace>): string {
  try {
    read(changes);
  } catch (err) {
    if (err instanceof SourceError && !err.retryable) return `${err.reason}: ${err.message}`;
  }
  return 'none';
}

describe('readPostgresConfig', () => {
  it.each([
    ['db:5433/shop', 'db', 5433, 'shop'],
    ['postgres://db/shop', 'db', 5432, 'shop'],
    ['postgresql://10.0.0.1:1/a%2Fb', '10.0.0.1', 1, 'a/b'],
    ['[::1]:5432/shop', '::1', 5432, 'shop'],
    ['db', 'db', 5432, 'postgres'],
  ])('reads %s', (uri, host, port, database) => {
    expect(read({ uri }).target).toMatchObject({ host, port, database });
  });

  it.each(['', 'user:pa55@db/shop', 'http://db/shop', 'db:0/shop', 'db:65536/shop', 'db:x/shop', 'db/a/b', 'db/%zz'])(
    'refuses the uri %j',
    (uri) => {
      expect(refusal({ uri })).toMatch(/^ConfigurationInvalid: /);
    },
  );

  it('refuses parameters that mean nothing', () => {
    expect(refusal({ driverParams: { tables: 'public.a' } })).toContain("a list of 'schema.table'");
    expect(refusal({ driverParams: { tables: ['a'] } })).toContain("a list of 'schema.table'");
    expect(refusal({ driverParams: { tls: { mode: 'maybe' } } })).toContain('driver_params.tls.mode cannot be maybe');
    expect(refusal({ driverParams: { tls: { ca: 'x' } } })).toContain('driver_params.tls.ca must be certificates');
    expect(refusal({ driverParams: { publication: 1 } })).toContain('driver_params.publication');
    expect(refusal({ driverParams: { tls: 'yes' } })).toContain('driver_params.tls must be');
  });

  it('sends a credential only where it may go', () => {
    const credential = { data: { user: 'u', passwd: 'pa55' }, allowedHosts: ['other'] };
    expect(refusal({ credential })).toBe('SecurityPolicyViolation: the credential may not be sent to db:5432');
  });

  it('names its publication after the tables, and leaves one that is named alone', () => {
    const some = read({ driverParams: { tables: ['a.b', 'a.c'] } });
    expect(read({ driverParams: { tables: ['a.c', 'a.b'] } }).publication).toBe(some.publication);
    expect(some.publication).toMatch(/^tiangong_[0-9a-f]{24}$/);
    expect(read({})).toMatchObject({ publication: 'tiangong', ownsPublication: true });
    expect(read({ driverParams: { publication: 'p' } })).toMatchObject({ publication: 'p', ownsPublication: false });
  });

  it('names slots as PostgreSQL lets them be named', () => {
    expect(slotOf('a-uid')).toMatch(/^[a-z0-9_]{1,63}$/);
    expect(slotOf('a-uid')).not.toBe(slotOf('another'));
  });
});
