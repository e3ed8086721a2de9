import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { StreamEntry } from '../stream-entry.ts';
import { PipelineStatus } from './pipeline-status.ts';
import { Snapshots } from './snapshots.ts';
import { MemoryDatabase } from './testing/memory-database.ts';

const sourceConfig = {
  id: 'memory',
  driver: 'memory',
  uri: 'memory',
  credential: undefined,
  driverParams: {},
  maxQueueSize: 100,
  maxRetries: 3,
  retryDelayMs: 1,
};

const change = (index: number, position: number): StreamEntry => ({
  index,
  transaction: index,
  touched: () => ({ keys: [`changed${index}`] }),
  position: { at: position },
});

describe('Snapshots', () => {
  function begun(maxKeys: number): { source: MemoryDatabase; status: PipelineStatus; snapshots: Snapshots } {
    const source = new MemoryDatabase();
    const status = new PipelineStatus({ checkpoints: [], snapshot: undefined, positionLoss: undefined }, () => {});
    const logger = pino({ level: 'silent' });
    const snapshots = new Snapshots({
      source,
      sourceConfig,
      wanted: undefined,
      status,
      logger,
      maxKeys,
      onReady: () => {},
    });
    snapshots.request('ConsumerRequest');
    return { source, status, snapshots };
  }

  it('begin to read only from a place between transactions, and remember what comes until then', async () => {
    const { source, snapshots } = begun(1000);
    source.commit('a', 'changed1');
    snapshots.prepare(undefined);
    snapshots.record([{ index: 1, transaction: 1, touched: () => ({ keys: ['changed1'] }) }]);
    snapshots.prepare({ at: 1 });
    await expect.poll(() => snapshots.isReady({ at: 1 })).toBe(true);
    const step = snapshots.step({ at: 1 }, 10);
    expect(step.kind === 'Part' && step.part.rows).toEqual([{ id: 'a', version: 1 }]);
    await snapshots.close();
  });

  it('read a chunk again, instead of remembering without end what happens while it waits', async () => {
    const { source, snapshots, status } = begun(10);
    source.commit('a', 'b');
    snapshots.prepare({ at: 1 });
    await expect.poll(() => snapshots.isReady({ at: 1 })).toBe(true);
    for (let n = 100; n < 200; n += 1) snapshots.record([change(n, n)]);
    snapshots.prepare({ at: 1 });
    expect(snapshots.isReady({ at: 1 })).toBe(false);
    await expect.poll(() => snapshots.isReady({ at: 1 })).toBe(true);
    expect(source.reads).toEqual([undefined, 'b', undefined, 'b'].slice(0, source.reads.length));
    expect(source.reads.filter((after) => after === undefined)).toHaveLength(2);
    const step = snapshots.step({ at: 1 }, 10);
    if (step.kind !== 'Part') throw new Error(step.kind);
    snapshots.acknowledge(step.part, step.part.rows.length);
    expect(status.snapshot).toMatchObject({ state: 'Running', rows: 2, cursor: { id: 'b' } });
    await snapshots.close();
  });

  it('give no more in one part than a push can carry', async () => {
    const { source, snapshots } = begun(1000);
    source.commit(...['a', 'b', 'c', 'd'].map((letter) => letter.repeat(3 * 1024 * 1024)));
    snapshots.prepare({ at: 1 });
    const sizes: number[] = [];
    while (sizes.length < 2) {
      await expect.poll(() => snapshots.isReady({ at: 1 })).toBe(true);
      const step = snapshots.step({ at: 1 }, 100);
      if (step.kind !== 'Part') throw new Error(step.kind);
      sizes.push(step.part.rows.length);
      snapshots.acknowledge(step.part, step.part.rows.length);
    }
    expect(sizes).toEqual([3, 1]);
    await snapshots.close();
  });

  it('give a part of the size that is asked for, and none of it twice', async () => {
    const { source, snapshots } = begun(1000);
    const ids = Array.from({ length: 1200 }, (_, n) => `k${String(n).padStart(4, '0')}`);
    source.commit(...ids);
    snapshots.prepare({ at: 1 });
    const got: unknown[] = [];
    for (;;) {
      await expect.poll(() => snapshots.isReady({ at: 1 })).toBe(true);
      const step = snapshots.step({ at: 1 }, 7);
      if (step.kind !== 'Part') break;
      expect(step.part.rows.length).toBeLessThanOrEqual(7);
      got.push(...step.part.rows.map((row) => row['id']));
      snapshots.acknowledge(step.part, step.part.rows.length);
    }
    expect(got).toEqual(ids);
    snapshots.succeeded();
    await snapshots.close();
  });
});
