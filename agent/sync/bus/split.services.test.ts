import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Subscription } from '../event-bus.ts';
import { MysqlWorld } from '../sources/mysql/testing/mysql-world.ts';
import { SharedSources } from './shared-sources.ts';

const ROWS = 4000;
const { signal } = new AbortController();

/** Reads and commits until it has rows up to `last`; all ids in the order in which they came. */
async function readTo(subscription: Subscription, last: number): Promise<number[]> {
  const ids: number[] = [];
  const deadline = performance.now() + 60_000;
  while (ids.at(-1) !== last) {
    if (performance.now() > deadline) throw new Error(`only ${String(ids.length)} rows came within a minute`);
    const entries = await subscription.read(100, 1000, signal);
    ids.push(...entries.flatMap(({ event }) => event?.rows ?? []).map((row) => Number(row['id'])));
    const end = entries.at(-1);
    if (end !== undefined) subscription.commit(end);
  }
  return ids;
}

describe.skipIf(!hasServices('mysql'))('two syncs of one MySQL server', () => {
  it('share a stream until one stalls: then the other goes on, nothing is lost, and no more is kept than the queue takes', async () => {
    const world = await MysqlWorld.create(await service('mysql'));
    const config = { ...world.config, maxQueueSize: 200 };
    const sources = new SharedSources(pino({ level: 'silent' }));
    const tools = { logger: pino({ level: 'silent' }), stateFolder: tmpdir(), taskUid: randomUUID() };
    const { driver } = world;
    const hold = await sources.hold(driver.signature(config, ''), config, () => driver.open(config, tools));
    const options = { checkpoint: undefined, afterIndex: -1, wanted: undefined };
    try {
      const [fast, slow] = await Promise.all([
        hold.subscribe({ subscriber: 'fast', ...options }, signal),
        hold.subscribe({ subscriber: 'slow', ...options }, signal),
      ]);
      expect(fast.bus.id).toBe(slow.bus.id);
      const expected = Array.from({ length: ROWS }, (_, id) => id);
      const reading = readTo(fast, ROWS - 1);
      for (let id = 0; id < ROWS; id += 10) {
        const values = expected.slice(id, id + 10).map((of) => `(${String(of)}, 1)`);
        // A statement is a transaction of one event here.
        await world.pool.query(`INSERT INTO ${world.database}.rows_ (id, version) VALUES ${values.join(', ')}`);
      }
      expect(await reading).toEqual(expected);
      expect(fast.bus.id).not.toBe(slow.bus.id);
      expect(sources.buses).toHaveLength(2);
      const { buffer_size, events_produced } = slow.bus.statistics;
      expect(buffer_size).toBe(events_produced);
      expect(buffer_size).toBeLessThan(ROWS / 10);
      expect(await readTo(slow, ROWS - 1)).toEqual(expected);
      await Promise.all([fast.close(), slow.close()]);
      expect(sources.buses).toEqual([]);
    } finally {
      await hold.release();
      await world.close();
    }
  }, 120_000);
});
