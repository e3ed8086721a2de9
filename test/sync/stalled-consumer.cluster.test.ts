import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { SyncTaskStatus } from '../../kube/types/synctask.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { hasServices, service } from '../services/service.ts';
import { expectAgreement } from './chaos/chaos-run.ts';
import type { ChaosSync } from './chaos/chaos-run.ts';
import { mysqlWorld } from './chaos/mysql-world.ts';
import { Random } from './chaos/random.ts';
import { createSync, readSync } from './chaos/sync-objects.ts';
import { WRITERS } from './chaos/writer-world.ts';
import type { WriterWorld } from './chaos/writer-world.ts';
import { ConsumerProcess } from './consumer-process.ts';

const WITHIN = { timeout: 120_000, interval: 100 };
/** Many times less than what is written while one of them stands still. */
const MAX_QUEUE_SIZE = 100;
const CHANGES = 2000;
/** The heap's own ups and downs. What waits for the stalled one may not be in memory. */
const MAX_GROWTH_MIB = 128;

describe.skipIf(!hasCluster() || !hasServices('mysql'))('two syncs of one source', () => {
  let cluster: SharedCluster;
  let programs: Programs | undefined;
  let world: WriterWorld;

  beforeEach(async () => {
    cluster = await sharedCluster();
    world = await mysqlWorld(await service('mysql'));
    programs = await startPrograms(cluster);
  });

  afterEach(async () => {
    await programs?.stop();
    await world?.close();
  });

  const statusOf = async (name: string): Promise<SyncTaskStatus> =>
    (await readSync(cluster.client, cluster.namespace, name)).status ?? {};

  async function start(name: string): Promise<ChaosSync> {
    const consumer = new ConsumerProcess({ record: 'counts', ...world.rowKeys });
    await consumer.start();
    onTestFinished(() => consumer.kill());
    const { endpoint } = consumer.addresses;
    const plan = { name, world, endpoint, maxQueueSize: MAX_QUEUE_SIZE };
    const sync = await createSync(cluster.client, cluster.namespace, plan);
    await vi.waitUntil(async () => (await statusOf(name)).snapshot?.state === 'Succeeded', WITHIN);
    return { name, world, consumer, taskId: `${sync.metadata.uid ?? ''}:${name}` };
  }

  function agentMiB(): number {
    const status = readFileSync(`/proc/${programs?.agent.pid ?? 0}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
  }

  it('go on each by itself when the consumer of one stands still, and lose nothing', { timeout: 400_000 }, async () => {
    const quick = await start('quick');
    const stalled = await start('stalled');
    const shared = (await statusOf('quick')).bus?.id;
    expect((await statusOf('stalled')).bus?.id).toBe(shared);

    await stalled.consumer.control({ faults: [{ on: 'push', do: 'silence', times: 1000 }] });
    const before = agentMiB();
    const random = new Random(1);
    const write = async (writer: number): Promise<void> => {
      for (let change = 0; change < CHANGES / WRITERS; change += 1) await world.change(writer, random);
    };
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    await expectAgreement(quick, WITHIN.timeout);
    expect(agentMiB() - before).toBeLessThan(MAX_GROWTH_MIB);
    expect((await stalled.consumer.state()).tasks[stalled.taskId]?.position).toBe(-1);
    // The one that goes on has a bus of its own now.
    await expect
      .poll(async () => ((await statusOf('quick')).bus?.id ?? shared) !== (await statusOf('stalled')).bus?.id, WITHIN)
      .toBe(true);

    await stalled.consumer.control({ clearFaults: true });
    await expectAgreement(stalled, WITHIN.timeout);
    await expectAgreement(quick, WITHIN.timeout);
  });
});
