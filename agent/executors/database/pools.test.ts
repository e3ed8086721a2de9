import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Target } from '../../connections/target.ts';
import { Pools } from './pools.ts';

interface Pool {
  readonly key: string;
  open: boolean;
}

const targetOf = (key: string): Target => ({
  ...{ host: 'db', port: 1, user: undefined, password: undefined, apiKey: undefined, database: 'x' },
  ...{ protocol: undefined, sslmode: undefined, ca: undefined, verifySsl: undefined, authSource: undefined },
  ...{ backup: undefined, ledger: false },
  ...{ key, label: 'x://db', secrets: [] },
});

function poolsOf(options: { maxPools?: number; idleMs?: number } = {}): { pools: Pools<Pool>; opened: Pool[] } {
  const opened: Pool[] = [];
  const pools = new Pools<Pool>({
    open: ({ key }) => {
      const pool = { key, open: true };
      opened.push(pool);
      return pool;
    },
    close: (pool) => {
      pool.open = false;
      return Promise.resolve();
    },
    ...options,
  });
  return { pools, opened };
}

describe('Pools', () => {
  it('gives everyone with the same target the same pool', () => {
    const { pools } = poolsOf();
    const first = pools.lease(targetOf('a'));
    expect(pools.lease(targetOf('a')).pool).toBe(first.pool);
    expect(pools.lease(targetOf('b')).pool).not.toBe(first.pool);
  });

  it('closes a pool that nobody has used for a while', async () => {
    const { pools, opened } = poolsOf({ idleMs: 5 });
    pools.lease(targetOf('a')).release();
    const used = pools.lease(targetOf('b'));
    await expect.poll(() => pools.size).toBe(1);
    expect(opened.map(({ open }) => open)).toEqual([false, true]);
    used.release();
    await expect.poll(() => pools.size).toBe(0);
  });

  it('closes all when the agent stops, and opens no more', async () => {
    const { pools, opened } = poolsOf();
    pools.lease(targetOf('a'));
    pools.lease(targetOf('b')).release();
    await pools.close();
    expect(opened.every(({ open }) => !open)).toBe(true);
    expect(() => pools.lease(targetOf('a'))).toThrow('the agent is stopping');
  });

  it('never closes a pool in use, and never keeps more unused ones than it may', () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), release: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { pools, opened } = poolsOf({ maxPools: 2 });
        const leases: { key: string; pool: Pool; release(): void }[] = [];
        for (const { key, release } of steps) {
          const at = leases.findIndex((lease) => lease.key === key);
          if (release && at >= 0) {
            const [lease] = leases.splice(at, 1);
            lease?.release();
            lease?.release();
          } else if (!release) leases.push({ key, ...pools.lease(targetOf(key)) });
          const inUse = new Set(leases.map((lease) => lease.key)).size;
          expect(leases.every(({ pool }) => pool.open)).toBe(true);
          expect(opened.filter(({ open }) => open).length).toBe(pools.size);
          expect(pools.size).toBeLessThanOrEqual(Math.max(2, inUse));
        }
      }),
    );
  });
});
