import { afterEach, describe, expect, it } from 'vitest';
import { MemoryConsumer } from './testing/memory-consumer.ts';
import { MemoryDatabase, unreachable } from './testing/memory-database.ts';
import { PipelineWorld } from './testing/pipeline-world.ts';
import type { WorldOptions } from './testing/pipeline-world.ts';
import { showState } from './sync-state.ts';

const many = (count: number): string[] => Array.from({ length: count }, (_, n) => `k${String(n).padStart(4, '0')}`);

describe('Pipeline', () => {
  const worlds: PipelineWorld[] = [];
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.close();
  });

  function world(options: Partial<WorldOptions> & { source: MemoryDatabase; pusher: MemoryConsumer }): PipelineWorld {
    const one = new PipelineWorld(options);
    worlds.push(one);
    return one;
  }

  it('brings the rows that are there by a first snapshot, and what happens from then on as messages', async () => {
    const source = new MemoryDatabase();
    const pusher = new MemoryConsumer();
    source.commit(...many(2_500));
    const sync = world({ source, pusher });
    sync.start();
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    source.commit('k0001', 'new');
    source.delete('k0000');
    await expect.poll(() => pusher.rows()).toEqual(source.rows());
    expect(pusher.core.sink.violations).toEqual([]);
    expect(pusher.core.counts).toMatchObject({ snapshotRows: 2_500, snapshotEnds: 1, messageRows: 3 });
    expect(sync.report).toMatchObject({
      snapshot: { trigger: 'FirstStart', rows: 2_500 },
      statistics: { events_pushed: 2_503, last_pushed_event_id: 300, rows_rejected: 0 },
      positionLoss: undefined,
    });
    expect(showState(sync.report.flags)).toBe('MESSAGE_SYNC');
    await sync.stop();
    expect(showState(sync.report.flags)).toBe('STOPPED');
  });

  it('asks a consumer that gets nothing whether it needs a snapshot, which is no event', async () => {
    const source = new MemoryDatabase();
    const pusher = new MemoryConsumer();
    source.commit('a');
    pusher.core.control({ snapshotNeeded: 1 });
    const sync = world({ source, pusher, onPositionLost: 'SkipToLatest' });
    sync.start();
    await expect.poll(() => sync.report.snapshot).toMatchObject({ state: 'Succeeded', trigger: 'ConsumerRequest' });
    const [trigger] = pusher.core.pushes;
    expect(trigger?.envelope.events).toEqual([
      { event_type: 'update', fields: [], rows: [], index: -1, event_schema: 'memory', table: 'initial_trigger' },
    ]);
    expect(pusher.rows()).toEqual(source.rows());
    expect(sync.report.statistics).toMatchObject({ events_pushed: 1, last_pushed_event_id: undefined });
  });

  it('goes on where the consumer is after a restart, and does not read again what it has', async () => {
    const source = new MemoryDatabase();
    const pusher = new MemoryConsumer();
    const sync = world({ source, pusher });
    sync.start();
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    source.commit('a', 'b');
    await expect.poll(() => pusher.rows()).toEqual(source.rows());
    // The last report is never written: the consumer is ahead of the checkpoint.
    await sync.restart(false);
    source.commit('b', 'c');
    await expect.poll(() => pusher.rows()).toEqual(source.rows());
    expect(pusher.core.counts).toMatchObject({ messageRows: 4, snapshotEnds: 1 });
    expect(sync.report.positionLoss).toBeUndefined();
  });

  it('reads a chunk again when its push failed, and says how many pushes did', async () => {
    const source = new MemoryDatabase();
    const pusher = new MemoryConsumer({ fates: ['before', 'fine', 'after'] });
    source.commit(...many(25));
    const sync = world({ source, pusher });
    sync.start();
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    expect(pusher.rows()).toEqual(source.rows());
    expect(source.reads.filter((after) => after === undefined).length).toBeGreaterThan(1);
    expect(sync.report.statistics.push_failures).toBe(2);
  });

  it('reads a chunk again when the source fails, and gives up after the retries that are allowed', async () => {
    const source = new MemoryDatabase();
    const pusher = new MemoryConsumer();
    source.commit('a');
    source.readFailures.push(unreachable(), unreachable());
    const sync = world({ source, pusher });
    sync.start();
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    source.readFailures.push(...Array.from({ length: 4 }, unreachable));
    pusher.core.control({ snapshotNeeded: 1 });
    source.commit('b');
    await expect
      .poll(() => sync.report.snapshot)
      .toMatchObject({
        state: 'Failed',
        trigger: 'ConsumerRequest',
        message: expect.stringContaining('3 retries'),
      });
    source.commit('c');
    await expect.poll(() => pusher.rows()).toEqual(source.rows());
  });
});
