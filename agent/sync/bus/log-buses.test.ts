import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SubscribeOptions } from '../event-bus.ts';
import { PositionLostError, SourceError } from '../source.ts';
import type { SourceConfig } from '../source.ts';
import { LogBuses } from './log-buses.ts';
import { ArrayLog, CONFIG, indexOf } from './testing/array-log.ts';
import { LogReader } from './testing/log-reader.ts';

const { signal } = new AbortController();

class World {
  readonly log = new ArrayLog();
  readonly buses = new LogBuses(this.log, pino({ level: 'silent' }));
  readonly config: SourceConfig;

  constructor(config: Partial<SourceConfig> = {}) {
    this.config = { ...CONFIG, ...config };
    onTestFinished(() => this.buses.close());
  }

  async reader(options: Partial<SubscribeOptions> = {}): Promise<LogReader> {
    const { checkpoint } = options;
    const all = { subscriber: 's', checkpoint, afterIndex: checkpoint?.index ?? -1, wanted: undefined, ...options };
    return new LogReader(await this.buses.subscribe(all, this.config, signal));
  }

  get busIds(): string[] {
    return this.buses.infos.map(({ id }) => id);
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const down = new SourceError('ConnectionFailed', 'the server is away', { retryable: true });

describe('LogBuses', () => {
  it('shares a bus among subscribers that begin at the same place', async () => {
    const world = new World();
    world.log.add('a', 'a');
    const [one, two] = await Promise.all([world.reader(), world.reader()]);
    const three = await world.reader({ checkpoint: world.log.checkpointAt(2) });
    world.log.add('a', 'b');
    for (const reader of [one, two, three]) {
      await reader.until(2);
      expect(reader.items).toEqual([2, 3]);
    }
    expect(world.log.starts).toHaveLength(1);
    expect(one.subscription.bus).toMatchObject({
      id: two.subscription.bus.id,
      source_name: 'orders',
      state: 'PRODUCING',
      info: '生产者任务已启动，正在监听数据源。',
      statistics: {
        events_produced: 2,
        events_produced_total: 2,
        subscriber_count: 3,
        buffer_size: 0,
        bus_queue_size: 0,
      },
    });
  });

  it('tells who joins where it stands, so that there is a place to come back to', async () => {
    const world = new World();
    const one = await world.reader();
    world.log.add('a');
    await one.until(1);
    const two = await world.reader();
    const [first] = await two.read();
    expect(first).toEqual({ index: indexOf(0), position: { at: 1 } });
    expect(world.busIds).toHaveLength(1);
  });

  it('opens a bus of its own for one whose consumer is past all indexes of the others', async () => {
    const world = new World();
    await world.reader();
    const two = await world.reader({ afterIndex: 5000 });
    world.log.add('a');
    await two.until(1);
    expect(two.entries.every(({ index }) => index > 5000)).toBe(true);
    expect(world.busIds).toHaveLength(2);
  });

  it('brings all that lies behind a checkpoint, also what the consumer has', async () => {
    const world = new World();
    world.log.add('a', 'a', 'a');
    world.log.add('a');
    const reader = await world.reader({ checkpoint: world.log.checkpointAt(0), afterIndex: indexOf(1) });
    await reader.until(4);
    expect(reader.items).toEqual([0, 1, 2, 3]);
  });

  it('opens a bus of its own for what the others have behind them', async () => {
    const world = new World();
    const one = await world.reader();
    for (const _ of range(0, 5)) world.log.add('a');
    await one.until(5);
    const two = await world.reader({ checkpoint: world.log.checkpointAt(2) });
    await two.until(3);
    expect(two.items).toEqual([2, 3, 4]);
    expect(world.busIds).toHaveLength(2);
  });

  it('does not join a stream that leaves out what is wanted', async () => {
    const world = new World();
    const one = await world.reader({ wanted: ['a'] });
    const two = await world.reader({ wanted: ['a', 'b'] });
    const three = await world.reader({ wanted: ['b'] });
    world.log.add('a', 'b', 'c');
    await Promise.all([one.until(1), two.until(2), three.until(1)]);
    expect([one.items, two.items, three.items]).toEqual([[0], [0, 1], [0, 1]]);
    expect(two.subscription.bus.id).not.toBe(one.subscription.bus.id);
    expect(three.subscription.bus.id).toBe(two.subscription.bus.id);
  });

  it('reads on only while there is room', async () => {
    const world = new World({ maxQueueSize: 10 });
    const reader = await world.reader();
    for (const _ of range(0, 100)) world.log.add('a');
    const entries = await reader.read(5);
    await expect.poll(() => reader.subscription.bus.statistics.buffer_size).toBe(12);
    expect(world.log.brought).toBeLessThanOrEqual(15);
    reader.commit(entries);
    await reader.until(100);
    expect(reader.items).toEqual(range(0, 100));
  });

  it('holds no more than its bytes allow', async () => {
    const world = new World({ maxQueueSize: 1_000_000 });
    const reader = await world.reader();
    const text = 'x'.repeat(1024 * 1024);
    for (const _ of range(0, 100)) world.log.push({ table: 'a', text, end: true });
    await expect.poll(() => world.log.brought).toBeGreaterThan(60);
    expect(world.log.brought).toBeLessThan(70);
    await reader.until(100);
  });

  it('keeps a stalled subscriber from piling up positions that only move', async () => {
    const world = new World();
    const reader = await world.reader();
    for (const _ of range(0, 1000)) world.log.add(undefined);
    await expect.poll(() => world.log.brought).toBe(1000);
    expect(await reader.read(10_000)).toHaveLength(1);
  });

  it('gives what was read once more after a rewind, and nothing that was committed', async () => {
    const world = new World();
    const reader = await world.reader();
    for (const _ of range(0, 4)) world.log.add('a');
    await reader.until(2);
    await reader.read();
    reader.subscription.rewind();
    await reader.until(4);
    expect(reader.items).toEqual(range(0, 4));
  });

  it('lets a fast subscriber go on when another stalls, and loses nothing of either', async () => {
    const world = new World({ maxQueueSize: 20 });
    const [fast, slow] = await Promise.all([world.reader(), world.reader()]);
    for (const _ of range(0, 500)) world.log.add('a', 'a');
    await fast.until(1000);
    expect(fast.items).toEqual(range(0, 1000));
    expect(fast.subscription.bus.id).not.toBe(slow.subscription.bus.id);
    expect(slow.subscription.bus.statistics.buffer_size).toBeLessThan(25);
    await slow.until(1000);
    expect(slow.items).toEqual(range(0, 1000));
    expect(world.busIds).toHaveLength(2);
  });

  it('lets all go on whom one holds back, and closes the buses that nobody reads', async () => {
    const world = new World({ maxQueueSize: 20 });
    const [a, b, stalled] = await Promise.all([world.reader(), world.reader(), world.reader()]);
    for (const _ of range(0, 300)) world.log.add('a');
    await Promise.all([a.until(300), b.until(300)]);
    expect([a.items, b.items]).toEqual([range(0, 300), range(0, 300)]);
    for (const { subscription } of [a, b, stalled]) await subscription.close();
    expect(world.busIds).toEqual([]);
    expect(world.log.openStreams).toBe(0);
  });

  it('stays on its bus while another cannot be opened', async () => {
    const world = new World({ maxQueueSize: 20 });
    const [fast, slow] = await Promise.all([world.reader(), world.reader()]);
    world.log.broken = down;
    for (const _ of range(0, 100)) world.log.add('a');
    await fast.until(20);
    await expect.poll(() => fast.read(10, 5).then(() => world.log.starts.length)).toBeGreaterThan(2);
    expect(fast.subscription.bus.id).toBe(slow.subscription.bus.id);
    world.log.broken = undefined;
    await fast.until(100);
    expect(fast.items).toEqual(range(0, 100));
  });

  it('tells a subscriber whose place is gone when it has to leave its bus', async () => {
    const world = new World({ maxQueueSize: 20 });
    const [fast, slow] = await Promise.all([world.reader(), world.reader()]);
    world.log.purgedTo = 1000;
    for (const _ of range(0, 100)) world.log.add('a');
    await expect(fast.until(100)).rejects.toThrow(PositionLostError);
    await slow.until(20);
  });

  it('begins again where it was when the source fails for a while', async () => {
    const world = new World();
    const reader = await world.reader();
    world.log.failures.set(4, down);
    world.log.failures.set(8, new Error('reset'));
    for (const _ of range(0, 4)) world.log.add('a', 'a', 'a');
    await reader.until(12);
    expect(reader.items).toEqual(range(0, 12));
    expect(world.log.starts).toHaveLength(3);
  });

  it('tells every subscriber when the source stays away, after what it had brought', async () => {
    const world = new World();
    const [one, two] = await Promise.all([world.reader(), world.reader()]);
    world.log.broken = down;
    world.log.failures.set(2, down);
    for (const _ of range(0, 4)) world.log.add('a');
    for (const reader of [one, two]) {
      await expect(reader.until(4)).rejects.toThrow('the server is away');
      expect(reader.items).toEqual([]);
      expect(reader.subscription.bus).toMatchObject({ state: 'ERROR', info: 'the server is away' });
    }
    expect(world.log.starts).toHaveLength(1 + CONFIG.maxRetries);
    world.log.broken = undefined;
    const three = await world.reader({ checkpoint: world.log.checkpointAt(0) });
    await three.until(4);
  });

  it('rejects a subscription whose place is gone, or whose source cannot be reached', async () => {
    const world = new World();
    world.log.purgedTo = 1;
    world.log.add('a');
    await expect(world.reader({ checkpoint: world.log.checkpointAt(0) })).rejects.toThrow(PositionLostError);
    world.log.broken = down;
    await expect(world.reader()).rejects.toThrow('the server is away');
    expect(world.busIds).toEqual([]);
    expect(world.log.openStreams).toBe(0);
  });

  it('releases what the slowest has released', async () => {
    const world = new World();
    const [one, two] = await Promise.all([world.reader(), world.reader()]);
    for (const _ of range(0, 3)) world.log.add('a');
    await Promise.all([one.until(3), two.until(1)]);
    const last = one.entries.at(-1)?.position ?? {};
    await one.subscription.release(last);
    expect(world.log.releases).toEqual([]);
    await two.subscription.release(two.entries.at(-1)?.position ?? {});
    expect(world.log.releases).toEqual([two.entries.at(-1)?.position]);
    await two.subscription.close();
    world.log.add('a');
    await one.until(4);
    await one.subscription.release(one.entries.at(-1)?.position ?? {});
    await one.subscription.release({ at: 5 });
    expect(world.log.releases.slice(1)).toEqual([{ at: 4 }, { at: 5 }]);
  });
});
