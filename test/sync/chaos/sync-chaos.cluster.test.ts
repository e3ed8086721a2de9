import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { isNotFound } from '../../../kube/kube-error.ts';
import type { SyncTaskStatus } from '../../../kube/types/synctask.ts';
import { freePort } from '../../kubernetes/free-port.ts';
import { hasCluster, sharedCluster } from '../../kubernetes/shared.ts';
import type { SharedCluster } from '../../kubernetes/shared.ts';
import { startPrograms } from '../../programs/programs.ts';
import type { Programs } from '../../programs/programs.ts';
import { hasServices, ownService, service } from '../../services/service.ts';
import { ConsumerProcess } from '../consumer-process.ts';
import { expectAgreement, runChaos } from './chaos-run.ts';
import type { ChaosSync, Victim } from './chaos-run.ts';
import { filesWorld } from './files-world.ts';
import { mysqlWorld } from './mysql-world.ts';
import { postgresWorld } from './postgres-world.ts';
import { Random } from './random.ts';
import { createSync, deleteSync, readSync } from './sync-objects.ts';
import type { WriterWorld } from './writer-world.ts';

/** Of each test. For half an hour with all sources at once: TIANGONG_CHAOS_TOGETHER=1 TIANGONG_CHAOS_SECONDS=1800. */
const SECONDS = Number(process.env['TIANGONG_CHAOS_SECONDS'] ?? 30);
const TOGETHER = process.env['TIANGONG_CHAOS_TOGETHER'] !== undefined;
/** Repeats the choices of a run, though not its timing. */
const SEED = Number(process.env['TIANGONG_CHAOS_SEED'] ?? Date.now() % 1_000_000);
/** After the last kill: an agent that comes back, a push that is given up after 30 s, a snapshot. */
const SETTLE_MS = 120_000;
const WITHIN = { timeout: SETTLE_MS, interval: 200 };

const WITHOUT_GTIDS = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];

interface Source {
  readonly name: string;
  readonly isThere: boolean;
  make(): Promise<WriterWorld>;
}

const sources: readonly Source[] = [
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

describe.skipIf(!hasCluster())(`syncs while everything is killed (seed ${SEED})`, () => {
  let cluster: SharedCluster;
  let programs: Programs | undefined;

  beforeAll(async () => {
    cluster = await sharedCluster();
    programs = await startPrograms(cluster);
  });

  afterAll(() => programs?.stop());

  const statusOf = async (name: string): Promise<SyncTaskStatus> =>
    (await readSync(cluster.client, cluster.namespace, name)).status ?? {};

  /** Starts a sync until the test has finished. Resolves when changes flow. */
  async function start(source: Source, folder: string): Promise<ChaosSync> {
    const { client, namespace } = cluster;
    const { name } = source;
    const world = await source.make();
    onTestFinished(() => world.close());
    const consumer = new ConsumerProcess({ file: join(folder, `sink-${name}`), record: 'counts', ...world.rowKeys });
    await consumer.start();
    onTestFinished(() => consumer.kill());
    const sync = await createSync(client, namespace, { name, world, endpoint: consumer.addresses.endpoint });
    onTestFinished(async () => {
      await deleteSync(client, namespace, name);
      const isGone = (): Promise<boolean> => readSync(client, namespace, name).then(() => false, isNotFound);
      await vi.waitUntil(isGone, WITHIN);
    });
    await expect.poll(async () => (await statusOf(name)).state, WITHIN).toContain('MESSAGE_SYNC');
    return { name, world, consumer, taskId: `${sync.metadata.uid ?? ''}:${name}` };
  }

  /** Asks for a snapshot until one that began after this has ended. */
  async function takeSnapshot({ name, world, consumer }: ChaosSync, random: Random): Promise<void> {
    const since = new Date().toISOString();
    const isDone = async (): Promise<boolean> => {
      const { state, startTime = '' } = (await statusOf(name)).snapshot ?? {};
      if (state === 'Running') return false;
      if (state === 'Succeeded' && startTime > since) return true;
      // The answer that asks may come while another snapshot runs, and a change may be rolled back.
      await consumer.control({ snapshotNeeded: 1 });
      await world.change(0, random);
      return false;
    };
    await vi.waitUntil(isDone, { timeout: SETTLE_MS, interval: 1000 });
  }

  async function expectSyncsToSurvive(chosen: readonly Source[], annotate: (text: string) => unknown): Promise<void> {
    if (programs === undefined) throw new Error('no programs');
    const syncs: ChaosSync[] = [];
    for (const source of chosen) syncs.push(await start(source, programs.folder));
    const victims = [programs.agent, programs.operator, ...syncs.map(({ consumer }) => consumer)];
    try {
      await surviveChaos(syncs, victims, annotate);
    } catch (err) {
      for (const { name } of syncs) await annotate(`${name}: ${JSON.stringify(await statusOf(name))}`);
      await annotate(programs.agent.log.slice(-4000));
      throw err;
    }
  }

  async function surviveChaos(
    syncs: readonly ChaosSync[],
    victims: readonly Victim[],
    annotate: (text: string) => unknown,
  ): Promise<void> {
    const random = new Random(SEED);
    const run = await runChaos({ syncs, victims, seconds: SECONDS, random });
    await annotate(JSON.stringify(run));
    expect(run.kills).toBeGreaterThan(0);
    for (const sync of syncs) await expectAgreement(sync, SETTLE_MS);

    // And a snapshot when nothing changes any more says the same.
    for (const sync of syncs) await takeSnapshot(sync, random);
    for (const sync of syncs) await expectAgreement(sync, SETTLE_MS);
  }

  const limits = { timeout: SECONDS * 1000 + SETTLE_MS * 4, retry: 0 };

  for (const source of sources)
    it.skipIf(!source.isThere || TOGETHER)(
      `bring ${source.name} to a consumer: the same rows in the end, and no version goes back`,
      limits,
      ({ annotate }) => expectSyncsToSurvive([source], annotate),
    );

  it.skipIf(!TOGETHER)('do so all at once on one agent', limits, ({ annotate }) =>
    expectSyncsToSurvive(
      sources.filter(({ isThere }) => isThere),
      annotate,
    ),
  );
});
