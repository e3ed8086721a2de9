import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { expect } from 'vitest';
import { TestConsumer } from '../../../../test/sync/consumer.ts';
import type { RowKeyOptions } from '../../../../test/sync/row-key.ts';
import { SourceUnderTest } from '../../conformance/source-under-test.ts';
import type { SourceWorld } from '../../conformance/source-under-test.ts';
import { PipelineWorld } from '../../pipeline/testing/pipeline-world.ts';
import { openapiPusher } from '../../pushers/openapi/index.ts';

const KEYS = Array.from({ length: 60 }, (_, key) => key);
const WRITERS = 6;
const RESTARTS = 4;

/**
 * Writers change rows while pipelines bring them to a consumer, are stopped and go on with a source of their own, and snapshots are asked for.
 * In the end the consumer has what the source has, and no row's version has ever gone back.
 */
export async function raceToConsumer(world: SourceWorld, options: RowKeyOptions): Promise<void> {
  const test = new SourceUnderTest(world);
  const consumer = await TestConsumer.listen(options);
  const truth = new Map(KEYS.map((key) => [key, 1]));
  for (const key of KEYS) await world.put(key, 1);
  const logger = pino({ level: 'silent' });
  const { endpoint } = consumer;
  const pusherConfig = { id: 'c', driver: 'openapi', endpoint, credential: undefined, driverParams: {}, batchSize: 20 };
  const pusher = openapiPusher.open({ ...pusherConfig, maxRetries: 3, retryDelayMs: 10 }, { logger });
  const begin = (status?: PipelineWorld['status']): PipelineWorld => {
    const { config } = world;
    const pipelines = new PipelineWorld({ source: test.open(), pusher, sourceConfig: config, pusherConfig });
    if (status !== undefined) pipelines.status = status;
    pipelines.start();
    return pipelines;
  };
  const hasAll = (): Promise<void> =>
    expect
      .poll(() =>
        [...consumer.rows().values()]
          .map((row) => [world.keyOf(row), world.versionOf(row)] as const)
          .sort(([a], [b]) => a - b),
      )
      .toEqual([...truth].sort(([a], [b]) => a - b));

  let pipelines = begin();
  try {
    await hasAll();
    let writing = true;
    const writers = Array.from({ length: WRITERS }, async (_, writer) => {
      for (let version = 2; writing; version += 1)
        for (const key of KEYS.filter((of) => of % WRITERS === writer)) {
          if (!writing) return;
          if (world.remove !== undefined && (version + key) % 4 === 0) {
            if (truth.delete(key)) await world.remove(key);
          } else {
            truth.set(key, version);
            await world.put(key, version);
          }
          await delay(2);
        }
    });
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      const { messageEvents, snapshotEnds } = consumer.counts;
      consumer.control({ snapshotNeeded: 1 });
      await expect.poll(() => consumer.counts.messageEvents).toBeGreaterThan(messageEvents + 30);
      // Half of the times in the middle of a snapshot.
      if (restart % 2 === 0) await expect.poll(() => consumer.counts.snapshotEnds).toBeGreaterThan(snapshotEnds);
      await pipelines.close();
      // What was written last; what was acknowledged since comes again.
      pipelines = begin(pipelines.status);
    }
    writing = false;
    await Promise.all(writers);
    await hasAll();
    expect(consumer.violations).toEqual([]);
  } finally {
    await pipelines.close();
    await pusher.close();
    await consumer.close();
    await test.close();
  }
}
