import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed, onTestFinished, vi } from 'vitest';
import { isNotFound } from '../../../kube/kube-error.ts';
import { freePort } from '../../kubernetes/free-port.ts';
import { hasCluster, sharedCluster } from '../../kubernetes/shared.ts';
import type { SharedCluster } from '../../kubernetes/shared.ts';
import type { Program } from '../../programs/program.ts';
import { startPrograms } from '../../programs/programs.ts';
import type { Programs } from '../../programs/programs.ts';
import { hasServices, ownService, service } from '../../services/service.ts';
import { ConsumerProcess } from '../consumer-process.ts';
import { expectAgreement, runChaos } from './chaos-run.ts';
import type { Victim } from './chaos-run.ts';
import { filesWorld } from './files-world.ts';
import { mysqlWorld } from './mysql-world.ts';
import { postgresWorld } from './postgres-world.ts';
import { Random } from './random.ts';
import { createSync, deleteSync, readSync } from './sync-objects.ts';
import type { WriterWorld } from './writer-world.ts';

/** For each source. Half an hour once by hand: TIANGONG_CHAOS_SECONDS=1800, and one source by -t. */
const SECONDS = Number(process.env['TIANGONG_CHAOS_SECONDS'] ?? 30);
/** Repeats the choices of a run, though not its timing. */
const SEED = Number(process.env['TIANGONG_CHAOS_SEED'] ?? Date.now() % 1_000_000);
/** After the last kill: an agent that comes back, a push that is given up after 30 s, a snapshot. */
const SETTLE_MS = 120_000;

/** Settings of the servers beside the shared ones. */
const WITHOUT_GTIDS = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];

const worlds: readonly { readonly name: string; readonly isThere: boolean; make(): Promise<WriterWorld> }[] = [
  { name: 'fs', isThere: true, make: async () => filesWorld() },
  { name: 'mysql', isThere: hasServices('mysql'), make: async () => mysqlWorld(await service('mysql')) },
  { name: 'mysql-without-gtids', isThere: hasServices('mysql'), make: withoutGtids },
  { name: 'postgres', isThere: hasServices('postgres'), make: async () => postgresWorld(await service('postgres')) },
];

async function withoutGtids(): Promise<WriterWorld> {
  const server = await ownService('mysql', await freePort(), WITHOUT_GTIDS);
  onTestFinished(() => server.remove());
  return mysqlWorld(server);
}

const asVictim = (name: string, program: Program): Victim => ({
  name,
  kill: () => program.kill(),
  start: () => program.start(),
});

describe.skipIf(!hasCluster())(`syncs while everything is killed (seed ${SEED})`, () => {
  let cluster: SharedCluster;
  let programs: Programs;

  beforeAll(async () => {
    cluster = await sharedCluster();
    programs = await startPrograms(cluster);
  });

  afterAll(() => programs.stop());

  for (const source of worlds) {
    const { name } = source;
    it.skipIf(!source.isThere)(
      `bring ${name} to a consumer: the same rows in the end, and no version goes back`,
      { timeout: SECONDS * 1000 + SETTLE_MS * 3, retry: 0 },
      async ({ annotate }) => {
        const world = await source.make();
        onTestFinished(() => world.close());
        const consumer = new ConsumerProcess({
          file: join(programs.folder, `sink-${name}`),
          record: 'counts',
          ...world.rowKeys,
        });
        await consumer.start();
        onTestFinished(() => consumer.kill());
        const { client, namespace } = cluster;
        const sync = await createSync(client, namespace, { name, world, endpoint: consumer.addresses.endpoint });
        onTestFinished(async () => {
          await deleteSync(client, namespace, name);
          const isGone = async (): Promise<boolean> => readSync(client, namespace, name).then(() => false, isNotFound);
          await vi.waitUntil(isGone, { timeout: SETTLE_MS, interval: 200 });
        });
        const taskId = `${sync.metadata.uid ?? ''}:${name}`;
        onTestFailed(async () => {
          const { status } = await readSync(client, namespace, name);
          await annotate(`${JSON.stringify(status)}\n${programs.agent.log.slice(-4000)}`);
        });
        const state = async (): Promise<string> => (await readSync(client, namespace, name)).status?.state ?? '';
        await expect.poll(state, { timeout: SETTLE_MS }).toContain('MESSAGE_SYNC');

        const random = new Random(SEED);
        const victims = [
          asVictim('agent', programs.agent),
          asVictim('operator', programs.operator),
          { name: 'consumer', kill: () => consumer.kill(), start: () => consumer.start() },
        ];
        const run = await runChaos({ world, consumer, taskId, victims, seconds: SECONDS, random });
        await annotate(`${run.changes} changes, ${run.kills} kills, ${run.snapshotsAsked} snapshots asked for`);
        expect(run.kills).toBeGreaterThan(0);
        await expectAgreement({ world, consumer, taskId }, SETTLE_MS);

        // And a snapshot when nothing changes any more says the same.
        const snapshot = async () => (await readSync(client, namespace, name)).status?.snapshot;
        const isDone = async (): Promise<boolean> => (await snapshot())?.state === 'Succeeded';
        const isOver = async (): Promise<boolean> => (await snapshot())?.state !== 'Running';
        await vi.waitUntil(isOver, { timeout: SETTLE_MS, interval: 200 });
        const before = (await snapshot())?.startTime;
        await consumer.control({ snapshotNeeded: 1 });
        await world.change(0, random);
        const isDoneAgain = async (): Promise<boolean> => (await isDone()) && (await snapshot())?.startTime !== before;
        await vi.waitUntil(isDoneAgain, { timeout: SETTLE_MS, interval: 200 });
        await expectAgreement({ world, consumer, taskId }, SETTLE_MS);
      },
    );
  }
});
