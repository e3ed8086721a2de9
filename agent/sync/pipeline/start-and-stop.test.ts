import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { TestConsumer } from '../../../test/sync/consumer.ts';
import { fusionPusher } from '../pushers/fusion/index.ts';
import { PositionLostError } from '../source.ts';
import { showState } from './sync-state.ts';
import { MemoryConsumer } from './testing/memory-consumer.ts';
import { MemoryDatabase } from './testing/memory-database.ts';
import { PipelineWorld } from './testing/pipeline-world.ts';
import type { WorldOptions } from './testing/pipeline-world.ts';

describe('Pipeline', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  function world(options: WorldOptions): PipelineWorld {
    const one = new PipelineWorld(options);
    closing.push(() => one.close());
    return one;
  }

  /** A sync that has come to index 200, and whose database forgets what it knew until then. */
  async function behindPurgedLog(onPositionLost: 'Snapshot' | 'Fail' | 'SkipToLatest'): Promise<{
    source: MemoryDatabase;
    pusher: MemoryConsumer;
    sync: PipelineWorld;
  }> {
    const source = new MemoryDatabase();
    const pusher = new MemoryConsumer();
    const sync = world({ source, pusher, onPositionLost });
    sync.start();
    await expect.poll(() => sync.status.checkpoints.length).toBe(1);
    source.commit('a');
    await expect.poll(() => pusher.rows()).toEqual(source.rows());
    await sync.stop();
    sync.write();
    source.commit('missed');
    source.commit('b');
    source.purgedTo = 3;
    return { source, pusher, sync };
  }

  it('makes up for a purged log by a snapshot, and says for how long something is missing', async () => {
    const { source, pusher, sync } = await behindPurgedLog('Snapshot');
    source.readFailures.push(new PositionLostError('unreadable'));
    sync.start();
    await expect.poll(() => sync.report.snapshot).toMatchObject({ state: 'Failed', trigger: 'PositionLost' });
    expect(sync.report.positionLoss).toMatchObject({
      reason: 'SnapshotNeeded',
      message: expect.stringContaining('purged'),
    });
    await sync.restart();
    await expect.poll(() => sync.report.snapshot).toMatchObject({ state: 'Succeeded', trigger: 'PositionLost' });
    expect(sync.report.positionLoss).toBeUndefined();
    expect(pusher.rows()).toEqual(source.rows());
  });

  it('stands still when it may not miss anything', async () => {
    const { sync } = await behindPurgedLog('Fail');
    sync.start();
    expect(await sync.end).toMatchObject({ kind: 'Failed', retryable: false, error: { reason: 'PositionLost' } });
    expect(sync.report.positionLoss).toMatchObject({ reason: 'Failed' });
  });

  it('goes on with what is new when it may miss something, and goes on saying so', async () => {
    const { source, pusher, sync } = await behindPurgedLog('SkipToLatest');
    sync.start();
    await expect.poll(() => sync.report.positionLoss).toMatchObject({ reason: 'Skipped' });
    source.commit('c');
    await expect.poll(() => [...pusher.rows().keys()]).toEqual(['a', 'c']);
    await sync.restart();
    source.commit('d');
    await expect.poll(() => [...pusher.rows().keys()]).toEqual(['a', 'c', 'd']);
    expect(sync.report.positionLoss).toMatchObject({ reason: 'Skipped' });
  });

  it('sends no first snapshot of a source that is for messages only', async () => {
    const source = new MemoryDatabase();
    source.commit('a');
    const pusher = new MemoryConsumer();
    const sync = world({ source, pusher, sourceConfig: { driverParams: { startup_mode: 'message-only' } } });
    sync.start();
    await expect.poll(() => sync.status.checkpoints.length).toBe(1);
    source.commit('b');
    await expect.poll(() => [...pusher.rows().keys()]).toEqual(['b']);
    expect(sync.report.snapshot).toBeUndefined();
  });

  it('sends nothing before it is on record where the stream began', async () => {
    const source = new MemoryDatabase();
    source.commit('a');
    const pusher = new MemoryConsumer();
    const sync = world({ source, pusher, beforeWrite: () => new Promise(() => {}) });
    sync.start();
    await expect.poll(() => source.reads.length).toBe(2);
    source.commit('b');
    await expect.poll(() => sync.report.bus?.statistics.events_produced).toBe(1);
    expect(pusher.core.counts).toMatchObject({ messageRows: 0, snapshotRows: 0 });
    sync.write();
    await expect.poll(() => pusher.rows()).toEqual(source.rows());
  });

  it('lets the source forget only what lies before a durable checkpoint', async () => {
    const source = new MemoryDatabase();
    const pusher = new MemoryConsumer();
    const sync = world({ source, pusher });
    sync.start();
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    source.commit('a');
    await expect.poll(() => sync.report.position?.index).toBe(100);
    const report = sync.pipeline.report();
    expect(Math.max(...source.releases)).toBe(0);
    sync.pipeline.written(report);
    await expect.poll(() => Math.max(...source.releases)).toBe(1);
  });

  it('finishes the push that is under way when it is stopped, and reports it', async () => {
    const hold = Promise.withResolvers<void>();
    const source = new MemoryDatabase();
    const pusher = new MemoryConsumer({ turn: (what) => (what === 'answer' ? hold.promise : Promise.resolve()) });
    const sync = world({ source, pusher, onPositionLost: 'SkipToLatest', times: { triggerMs: 60_000 } });
    sync.start();
    await expect.poll(() => sync.status.checkpoints.length).toBe(1);
    source.commit('a');
    await expect.poll(() => pusher.rows().size).toBe(1);
    const ended = sync.stop();
    expect(showState(sync.report.flags)).toBe('MESSAGE_SYNC|STOPPING');
    hold.resolve();
    expect(await ended).toEqual({ kind: 'Stopped' });
    expect(sync.report.checkpoints[0]).toMatchObject({ index: 100, position: { at: 1 } });
  });

  it('gives a push up that is not answered when it is stopped', async () => {
    const source = new MemoryDatabase();
    const to = await TestConsumer.listen({ roles: true });
    closing.push(() => to.close());
    const pusher = fusion(to);
    const sync = world({ source, pusher, onPositionLost: 'SkipToLatest', times: { stopMs: 10 } });
    sync.start();
    await expect.poll(() => sync.status.checkpoints.length).toBe(1);
    to.control({ faults: [{ on: 'message', do: 'silence', times: 100 }] });
    source.commit('a');
    await expect.poll(() => to.core.faults.left).toBeLessThan(100);
    expect(await sync.stop()).toEqual({ kind: 'Stopped' });
  });

  it('leaves snapshots to the session that leads, and makes its own when it does', async () => {
    const source = new MemoryDatabase();
    source.commit('a');
    const to = await TestConsumer.listen({ roles: true, heartbeatSeconds: 0.02 });
    closing.push(() => to.close());
    const pusher = fusion(to);
    const leader = await pusher.openSession('another', AbortSignal.timeout(20_000));
    const sync = world({ source, pusher });
    sync.start();
    await expect.poll(() => sync.status.checkpoints.length).toBe(1);
    source.commit('b');
    await expect.poll(() => to.counts.messageRows).toBe(1);
    expect(sync.report.snapshot).toMatchObject({ state: 'Running', rows: 0 });
    await leader.close(AbortSignal.timeout(20_000));
    await expect.poll(() => sync.report.snapshot).toMatchObject({ state: 'Succeeded' });
    expect([...to.rows('uid:one').values()].map(({ id }) => id).sort()).toEqual(['a', 'b']);
  });

  it('tells rows that lack what the mapping requires, and refuses a mapping that means nothing', async () => {
    const source = new MemoryDatabase();
    const pusher = new MemoryConsumer();
    source.commit('a', 'b');
    const mapped = (from: string): WorldOptions => ({
      source,
      pusher,
      fieldsMapping: [
        { to: 'events.id', source: ['id'] },
        { to: 'events.size', source: [from], required: true },
      ],
    });
    const sync = world(mapped('size'));
    sync.start();
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    expect(sync.report.statistics).toMatchObject({ events_pushed: 0, rows_rejected: 2 });
    await sync.stop();
    const wrong = world({ ...mapped('size'), fieldsMapping: [{ to: 'id', source: ['id'] }] });
    wrong.start();
    expect(await wrong.end).toMatchObject({ kind: 'Failed', retryable: false, error: { reason: 'MappingInvalid' } });
  });
});

function fusion(to: TestConsumer): ReturnType<typeof fusionPusher.open> {
  return fusionPusher.open(
    {
      id: 'consumer',
      driver: 'fusion',
      endpoint: to.fusionEndpoint,
      credential: undefined,
      driverParams: {},
      batchSize: 10,
      maxRetries: 3,
      retryDelayMs: 1,
    },
    { logger: pino({ level: 'silent' }) },
  );
}
