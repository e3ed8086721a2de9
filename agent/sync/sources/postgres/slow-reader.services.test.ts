import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import type { StreamEntry } from '../../stream-entry.ts';
import { OpenSource } from './testing/open-source.ts';
import { PostgresWorld } from './testing/postgres-world.ts';

const ROWS = 60_000;
const MIB = 1024 * 1024;

describe.skipIf(!hasServices('postgres'))('a slow reader of postgres', () => {
  let world: PostgresWorld;

  beforeEach(async () => {
    world = await PostgresWorld.create(await service('postgres'));
    await world.query('CREATE TABLE items (id integer PRIMARY KEY, filling text)');
    // After so long without a word the server would end the connection.
    await world.administrate(`ALTER ROLE ${world.name} SET wal_sender_timeout = '2s'`);
  });
  afterEach(() => world?.close());

  /** How many bytes the server has not sent yet, and for how many seconds it has been heard of the reader since it began. */
  const replication = async (): Promise<{ behind: number; heard: number }> => {
    const [row] = await world.administrate(
      `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), sent_lsn)::float8 AS behind, extract(epoch FROM reply_time - backend_start)::float8 AS heard FROM pg_stat_replication WHERE usename = '${world.name}'`,
    );
    return row as { behind: number; heard: number };
  };

  it('holds the server back, is not taken for dead, and gets everything in the end', async () => {
    const open = new OpenSource(world);
    const abort = new AbortController();
    const start = { checkpoint: undefined, afterIndex: -1 };
    const stream = open.source.stream?.(start, () => undefined, abort.signal)[Symbol.asyncIterator]();
    await stream?.next();
    // Many transactions: one would wait on the server's disk as a whole.
    for (let part = 0; part < 6; part += 1)
      await world.query(
        `INSERT INTO items SELECT n, repeat(md5(n::text), 32) FROM generate_series(${(part * ROWS) / 6}, ${((part + 1) * ROWS) / 6 - 1}) n`,
      );
    await expect.poll(async () => (await replication()).heard).toBeGreaterThan(5);
    expect((await replication()).behind).toBeGreaterThan(20 * MIB);
    const ids: unknown[] = [];
    let most = 0;
    while (ids.length < ROWS) {
      const entries: readonly StreamEntry[] = (await stream?.next())?.value ?? [];
      most = Math.max(most, entries.length);
      for (const { event } of entries) if (event !== undefined) ids.push(event.rows[0]?.['id']);
    }
    expect(ids).toEqual(Array.from({ length: ROWS }, (_, id) => id));
    // About a MiB at a time, of rows of a KiB.
    expect(most).toBeLessThan(5000);
    abort.abort();
    await stream?.next();
    await open.close();
  });
});
