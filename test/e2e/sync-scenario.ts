import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { secrets, syncPushers, syncSources, syncTasks } from '../../kube/resource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { TestConsumer } from '../sync/consumer.ts';
import type { E2eCluster } from './e2e-cluster.ts';
import { openDoor } from './host-doors.ts';
import { NAMESPACE } from './release.ts';
import { POOL_LABEL } from './suite.ts';
import type { Transcript } from './transcript.ts';

const API_KEY = 'k3y-of-the-consumer';
/** A Lease and a push time-out, and a pod that starts slowly. */
const WITHIN = { timeout: 240_000, interval: 500 };
const metadata = { name: 'files' };

/**
 * A sync of the files in `folder`, which agents have at /effects, to a consumer on this machine. Its agent's pod is killed
 * while files come, and the sync goes on in another pod, at a higher epoch; the consumer has all files and saw no mistake.
 */
export async function syncOverKilledPod(cluster: E2eCluster, transcript: Transcript, folder: string): Promise<void> {
  const { client, facts } = cluster;
  const inbox = join(folder, 'inbox');
  await mkdir(inbox);
  await writeFile(join(inbox, 'before'), '1');
  const consumer = await TestConsumer.listen({ auth: { apiKey: API_KEY } });
  const door = await openDoor(facts.hostAddress, Number(new URL(consumer.url).port));
  const get = (): Promise<SyncTask> => client.get(syncTasks, NAMESPACE, metadata.name);
  const sizes = (): unknown[] => [...consumer.rows().values()].map((row) => row['size']).sort();
  try {
    const stringData = { user: 'u', key: API_KEY };
    await client.create(secrets, NAMESPACE, { metadata, type: 'tiangong.io/credential', stringData });
    const source = { driver: 'fs', uri: '/effects/inbox', disabled: false };
    await client.create(syncSources, NAMESPACE, { metadata, spec: source });
    const endpoint = `http://${facts.hostAddress}:${door.port}/openapi.json`;
    const pusher = { driver: 'openapi', endpoint, secret_ref: metadata.name, disabled: false };
    await client.create(syncPushers, NAMESPACE, { metadata, spec: pusher });
    const sync = { source: metadata.name, pusher: metadata.name, disabled: false, desiredState: 'Running' as const };
    await client.create(syncTasks, NAMESPACE, { metadata, spec: sync });
    await expect.poll(async () => (await get()).status?.state, WITHIN).toBe('MESSAGE_SYNC');
    await expect.poll(sizes, WITHIN).toEqual(expect.arrayContaining([1]));

    const { assignment, epoch = 0 } = (await get()).status ?? {};
    const pod = await podOf(cluster, assignment?.agent ?? '');
    await cluster.kubectl('delete', 'pod', pod, '--namespace', NAMESPACE, '--force', '--grace-period=0');
    await writeFile(join(inbox, 'after'), '22');
    await expect.poll(async () => (await get()).status?.epoch, WITHIN).toBeGreaterThan(epoch);
    await expect.poll(sizes, WITHIN).toEqual(expect.arrayContaining([1, 2]));
    expect(consumer.violations).toEqual([]);
    await cluster.show('get', 'synctasks', '--namespace', NAMESPACE);
    transcript.note(
      `The sync of pod ${pod}, which was killed, went on; its consumer has all files and saw no mistake.`,
    );
    await cluster.kubectl('delete', 'synctask', metadata.name, '--namespace', NAMESPACE, '--timeout', '120s');
  } finally {
    door.close();
    await consumer.close();
  }
}

/** The pod that an agent is: named as the agent, or that of its pool on its node. */
async function podOf(cluster: E2eCluster, agent: string): Promise<string> {
  const { items } = await cluster.read<{
    items: { metadata: { name: string; labels: Record<string, string> }; spec: { nodeName?: string } }[];
  }>('get', 'pods', '--namespace', NAMESPACE, '--selector', POOL_LABEL);
  const pod = items.find(
    ({ metadata: { name, labels }, spec }) =>
      name === agent || `${labels[POOL_LABEL] ?? ''}-${spec.nodeName ?? ''}` === agent,
  );
  if (pod === undefined) throw new Error(`agent ${agent} has no pod`);
  return pod.metadata.name;
}
