import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { TestConsumer } from '../../../test/sync/consumer.ts';
import { openapiPusher } from '../pushers/openapi/index.ts';
import { showState } from './sync-state.ts';
import { MemoryDatabase } from './testing/memory-database.ts';
import { PipelineWorld } from './testing/pipeline-world.ts';
import type { WorldOptions } from './testing/pipeline-world.ts';

const logger = pino({ level: 'silent' });

describe('Pipeline with a consumer over HTTP', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function consumer(options: Parameters<typeof TestConsumer.listen>[0] = {}): Promise<TestConsumer> {
    const one = await TestConsumer.listen(options);
    closing.push(() => one.close());
    return one;
  }

  function world(to: TestConsumer, source: MemoryDatabase, options: Partial<WorldOptions> = {}): PipelineWorld {
    const config = {
      id: 'consumer',
      driver: 'openapi',
      endpoint: to.endpoint,
      credential: undefined,
      driverParams: {},
      batchSize: 10,
      maxRetries: 3,
      retryDelayMs: 1,
    };
    const pusher = openapiPusher.open(config, { logger });
    const one = new PipelineWorld({ source, pusher, ...options });
    closing.push(async () => {
      await one.close();
      await pusher.close();
    });
    one.start();
    return one;
  }

  const versions = (of: TestConsumer): Map<unknown, unknown> =>
    new Map([...of.rows().values()].map(({ id, version }) => [id, version] as const).sort());

  async function arrived(of: TestConsumer, source: MemoryDatabase): Promise<void> {
    await expect.poll(() => versions(of)).toEqual(source.rows());
    expect(of.violations).toEqual([]);
  }

  it('says what keeps data from flowing while it is tried again, and no more once it flows', async () => {
    const source = new MemoryDatabase();
    const to = await consumer();
    const sync = world(to, source, { pusherConfig: { maxRetries: 1000, retryDelayMs: 5 } });
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    expect(sync.report.trouble).toBeUndefined();
    to.control({ faults: Array.from({ length: 40 }, () => ({ on: 'message' as const, do: 503 })) });
    source.commit('a');
    await expect.poll(() => sync.report.trouble).toMatchObject({ reason: 'ConsumerUnavailable' });
    await arrived(to, source);
    await expect.poll(() => sync.report.trouble).toBeUndefined();
  });

  it('sends what the consumer did not take again, in the same session while it answers', async () => {
    const source = new MemoryDatabase();
    const to = await consumer();
    const sync = world(to, source);
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    to.control({
      faults: [
        { on: 'message', do: 500 },
        { on: 'message', do: 503, applied: true },
        { on: 'message', do: 204 },
      ],
    });
    source.commit('a');
    await arrived(to, source);
    await expect.poll(() => sync.report.statistics).toMatchObject({ push_failures: 2, last_pushed_event_id: 100 });
    expect(to.counts.sessions).toBe(1);
  });

  it('opens a session anew when a connection breaks, for the push may be on its way still', async () => {
    const source = new MemoryDatabase();
    const to = await consumer();
    const sync = world(to, source);
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    to.control({ faults: [{ on: 'message', do: 'reset', applied: true }] });
    source.commit('a');
    source.commit('a');
    await arrived(to, source);
    await expect.poll(() => to.counts.sessions).toBe(2);
    expect(sync.report.error).toBeUndefined();
    // The new session tells that the consumer has it.
    const indexes = to.events('message').map(({ index }) => index);
    expect(indexes).toEqual([...new Set(indexes)]);
  });

  it('opens a session anew when a gateway gives a push up, which may reach the consumer still', async () => {
    const source = new MemoryDatabase();
    const to = await consumer();
    const sync = world(to, source);
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    to.control({ faults: [{ on: 'message', do: 504, applied: true }] });
    source.commit('a');
    source.commit('a');
    await arrived(to, source);
    await expect.poll(() => to.counts.sessions).toBe(2);
  });

  it('ends a snapshot quietly that the consumer calls obsolete, and goes on with messages', async () => {
    const source = new MemoryDatabase();
    source.commit(...Array.from({ length: 30 }, (_, n) => `k${n}`));
    const to = await consumer();
    to.control({ faults: [{ on: 'snapshot', do: 419 }] });
    const sync = world(to, source);
    await expect.poll(() => sync.report.snapshot).toMatchObject({ state: 'Obsolete', trigger: 'FirstStart', rows: 0 });
    expect(showState(sync.report.flags)).toBe('MESSAGE_SYNC');
    expect(sync.report.info).toBe('快照同步任务已清理。');
    source.commit('a');
    await expect.poll(() => versions(to)).toEqual(new Map([['a', 1]]));
    expect(to.counts).toMatchObject({ sessions: 1, snapshotPushes: 0 });
  });

  it('goes on with a snapshot in a new session when another had taken the place of its own', async () => {
    const source = new MemoryDatabase();
    source.commit(...Array.from({ length: 30 }, (_, n) => `k${n}`));
    const to = await consumer();
    to.control({ faults: [{ on: 'snapshot', do: 'delay', delayMs: 1000 }] });
    const asked: number[] = [];
    const sync = world(to, source, {
      mayOpenSession: async () => asked.push(to.counts.sessions) > 0,
    });
    await expect.poll(() => sync.report.snapshot?.state).toBe('Running');
    to.core.openSession('uid:one');
    await arrived(to, source);
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    expect(asked).toEqual([0, 2]);
  });

  it('ends when a session was superseded and the task is not its own any more', async () => {
    const source = new MemoryDatabase();
    const to = await consumer();
    let isOurs = true;
    const sync = world(to, source, { mayOpenSession: async () => isOurs });
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    isOurs = false;
    to.core.openSession('uid:one');
    source.commit('a');
    expect(await sync.end).toEqual({ kind: 'Lost' });
    expect([...to.rows('uid:one')]).toEqual([]);
    expect(to.counts.sessions).toBe(2);
  });

  it('stops with an error when heartbeats fail more often than is allowed', async () => {
    const to = await consumer();
    to.control({ faults: [{ on: 'heartbeat', do: 500, times: 100 }] });
    const sync = world(to, new MemoryDatabase());
    expect(await sync.end).toMatchObject({ kind: 'Failed', retryable: true, error: { reason: 'HeartbeatFailed' } });
    expect(sync.report.info).toBe('心跳失败，同步任务停止。');
    expect(showState(sync.report.flags)).toBe('ERROR');
  });

  it('stops with an error when the consumer refuses messages more often than is allowed', async () => {
    const source = new MemoryDatabase();
    const to = await consumer();
    to.control({ faults: [{ on: 'message', do: 422, times: 100 }] });
    const sync = world(to, source);
    source.commit('a');
    expect(await sync.end).toMatchObject({ kind: 'Failed', retryable: true, error: { reason: 'ConsumerRefused' } });
    expect(sync.report.statistics.push_failures).toBe(4);
  });

  it('ends a snapshot with an error whose rows are refused, and goes on with messages', async () => {
    const source = new MemoryDatabase();
    source.commit('a');
    const to = await consumer();
    to.control({ faults: [{ on: 'snapshot', do: 422 }] });
    const sync = world(to, source);
    await expect.poll(() => sync.report.snapshot?.state).toBe('Failed');
    source.commit('b');
    await expect.poll(() => versions(to)).toEqual(new Map([['b', 1]]));
    to.control({ snapshotNeeded: 1 });
    source.commit('c');
    await arrived(to, source);
    await expect.poll(() => sync.report.snapshot).toMatchObject({ state: 'Succeeded', trigger: 'ConsumerRequest' });
  });

  it('starts one snapshot, however often the consumer asks while it runs', async () => {
    const source = new MemoryDatabase();
    source.commit(...Array.from({ length: 50 }, (_, n) => `k${n}`));
    const to = await consumer();
    to.control({ snapshotNeeded: 'always' });
    const sync = world(to, source);
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    expect(to.counts).toMatchObject({ snapshotEnds: 1, snapshotRows: 50 });
    await arrived(to, source);
  });

  it('brings changes again that a consumer has lost, from the checkpoint that it still has', async () => {
    const source = new MemoryDatabase();
    const to = await consumer();
    const sync = world(to, source);
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    source.commit('a');
    await expect.poll(() => to.position('uid:one')).toBe(100);
    sync.write();
    source.commit('b');
    source.commit('c');
    await arrived(to, source);
    const task = to.core.sink.task('uid:one');
    task.position = 100;
    for (const [key, { row }] of task.kept) if (row?.['id'] !== 'a') task.kept.delete(key);
    to.control({ faults: [{ on: 'heartbeat', do: 419 }] });
    to.core.openSession('uid:one');
    source.commit('d');
    await arrived(to, source);
    expect(sync.report.positionLoss).toBeUndefined();
    expect(to.counts.snapshotEnds).toBe(1);
  });

  it('makes up by a snapshot for what a consumer has lost that nobody knows', async () => {
    const source = new MemoryDatabase();
    const to = await consumer();
    const sync = world(to, source);
    await expect.poll(() => sync.report.snapshot?.state).toBe('Succeeded');
    source.commit('a');
    source.commit('b');
    await arrived(to, source);
    await sync.stop();
    sync.write();
    sync.status = { ...sync.status, checkpoints: sync.status.checkpoints.filter(({ index }) => index >= 200) };
    to.core.sink.task('uid:one').position = 100;
    sync.start();
    await expect.poll(() => sync.report.snapshot).toMatchObject({ state: 'Succeeded', trigger: 'PositionLost' });
    expect(sync.report.positionLoss).toBeUndefined();
    await arrived(to, source);
  });
});
