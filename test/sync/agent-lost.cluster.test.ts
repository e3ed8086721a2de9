import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secrets, syncPushers, syncSources, syncTasks } from '../../kube/resource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';
import { Program } from '../programs/program.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TestConsumer } from './consumer.ts';

/** Lease and push time-out are 55 s; starting takes a busy machine some more. */
const WITHIN = { timeout: 150_000, interval: 200 };
const API_KEY = 'k3y-of-the-consumer';

describe.skipIf(!hasCluster())('syncs whose agent is killed and does not come back', { timeout: 300_000 }, () => {
  let cluster: SharedCluster;
  let programs: Programs;
  let second: Program;
  let consumer: TestConsumer;
  let folder: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tiangong-agent-lost-'));
    mkdirSync(join(folder, 'state'));
    mkdirSync(join(folder, 'data'));
    consumer = await TestConsumer.listen({ auth: { apiKey: API_KEY } });
    cluster = await sharedCluster();
    programs = await startPrograms(cluster, { agentName: 'agent-1' });
    second = new Program({
      name: 'agent',
      folder,
      args: [
        ...['--kubeconfig', cluster.kubeconfig('agent/agent-2'), '--home-namespace', cluster.namespace],
        ...['--name', 'agent-2', '--api-url', programs.rest.url, '--state-dir', join(folder, 'state')],
      ],
    });
  });

  afterEach(async () => {
    await second?.kill();
    await programs?.stop();
    await consumer?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const get = (): Promise<SyncTask> => cluster.client.get(syncTasks, cluster.namespace, 'files');

  it('go on at another agent, at a higher epoch and with a session of its own', async () => {
    const { client, namespace } = cluster;
    const metadata = { name: 'files' };
    writeFileSync(join(folder, 'data/before'), '1');
    await client.create(secrets, namespace, {
      metadata,
      type: 'tiangong.io/credential',
      stringData: { user: 'u', key: API_KEY },
    });
    await client.create(syncSources, namespace, {
      metadata,
      spec: { driver: 'fs', uri: join(folder, 'data'), disabled: false },
    });
    await client.create(syncPushers, namespace, {
      metadata,
      spec: { driver: 'openapi', endpoint: consumer.endpoint, secret_ref: 'files', disabled: false },
    });
    await client.create(syncTasks, namespace, {
      metadata,
      spec: { source: 'files', pusher: 'files', disabled: false, desiredState: 'Running' },
    });
    await expect.poll(async () => (await get()).status?.state, WITHIN).toBe('MESSAGE_SYNC');
    expect((await get()).status).toMatchObject({ epoch: 1, assignment: { agent: 'agent-1' } });
    second.start();
    await programs.agent.kill();
    writeFileSync(join(folder, 'data/after'), '22');
    await expect
      .poll(async () => (await get()).status, WITHIN)
      .toMatchObject({
        epoch: 2,
        assignment: { agent: 'agent-2' },
        state: expect.stringContaining('MESSAGE_SYNC') as string,
      });
    const sizes = (): unknown[] => [...consumer.rows().values()].map((row) => row['size']).sort();
    await expect.poll(sizes, WITHIN).toEqual(expect.arrayContaining([1, 2]));
    expect(consumer.violations).toEqual([]);
    const shown = [
      JSON.stringify(await get()),
      programs.agent.log,
      second.log,
      programs.api.log,
      programs.operator.log,
    ];
    expect(shown.join('\n')).not.toContain(API_KEY);
  });
});
