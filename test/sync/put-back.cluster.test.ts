import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { SyncTaskStatus } from '../../kube/types/synctask.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { hasServices, service } from '../services/service.ts';
import { expectAgreement } from './chaos/chaos-run.ts';
import { mysqlWorld } from './chaos/mysql-world.ts';
import { Random } from './chaos/random.ts';
import { createSync, readSync } from './chaos/sync-objects.ts';
import { ConsumerProcess } from './consumer-process.ts';

const WITHIN = { timeout: 60_000, interval: 100 };

describe.skipIf(!hasCluster() || !hasServices('mysql'))('a consumer that is put back to a backup', () => {
  let cluster: SharedCluster;
  let programs: Programs | undefined;

  beforeEach(async () => {
    cluster = await sharedCluster();
    programs = await startPrograms(cluster);
  });

  afterEach(() => programs?.stop());

  it('gets all changes since the backup again, deletions too, without a snapshot', { timeout: 300_000 }, async () => {
    const world = await mysqlWorld(await service('mysql'));
    onTestFinished(() => world.close());
    const file = join(programs?.folder ?? '', 'sink');
    const consumer = new ConsumerProcess({ file, record: 'counts', ...world.rowKeys });
    await consumer.start();
    onTestFinished(() => consumer.kill());
    const { endpoint } = consumer.addresses;
    const created = await createSync(cluster.client, cluster.namespace, { name: 'mysql', world, endpoint });
    const status = async (): Promise<SyncTaskStatus> =>
      (await readSync(cluster.client, cluster.namespace, 'mysql')).status ?? {};
    const sync = { name: 'mysql', world, consumer, taskId: `${created.metadata.uid ?? ''}:mysql` };
    await vi.waitUntil(async () => (await status()).snapshot?.state === 'Succeeded', WITHIN);

    const random = new Random(3);
    const change = async (): Promise<void> => {
      for (let i = 0; i < 100; i += 1) await world.change(i % 8, random);
      await expectAgreement(sync, WITHIN.timeout);
    };
    await change();
    const { position = -1 } = (await consumer.state()).tasks[sync.taskId] ?? {};
    // A checkpoint for later: not beyond what is in the backup, and newer than the snapshot's rows.
    const isKept = async (): Promise<boolean> => {
      const { checkpoints = [], snapshot } = await status();
      return checkpoints.some(
        ({ index, sentIndex = index, time }) => sentIndex <= position && time > (snapshot?.completionTime ?? ''),
      );
    };
    await vi.waitUntil(isKept, WITHIN);
    copyFileSync(file, `${file}.backup`);
    await change();
    await change();
    const before = await status();

    await consumer.kill();
    copyFileSync(`${file}.backup`, file);
    await consumer.start();
    expect((await consumer.state()).tasks[sync.taskId]?.position).toBe(position);
    await world.change(0, random);
    await expectAgreement(sync, WITHIN.timeout);
    const after = await status();
    expect(after.snapshot?.startTime).toBe(before.snapshot?.startTime);
    expect(after.conditions?.find(({ type }) => type === 'PositionLost')?.status ?? 'False').toBe('False');
  });
});
