import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import { deployTasks } from '../../kube/resource.ts';
import { hasHelm } from '../../test/chart/helm-binaries.ts';
import { startCluster } from '../../test/kubernetes/cluster.ts';
import type { Cluster } from '../../test/kubernetes/cluster.ts';
import { hasCluster } from '../../test/kubernetes/shared.ts';
import { installRelease } from '../../test/rbac/release.ts';
import type { Release } from '../../test/rbac/release.ts';
import { Operator } from '../operator.ts';
import { defaultSettings } from '../settings.ts';
import { namespaces } from './leave-home.ts';
import { leaveWatched } from './leave-watched.ts';

interface Namespace extends KubeObject {
  status?: { conditions?: { type: string; status: string; message: string }[] };
}

const HOLD = 'tiangong-operator-hold';
const SILENT = pino({ level: 'silent' });
const WITHIN = { timeout: 100_000 };

/** With the rights and the policies of the chart alone, on a cluster that empties namespaces as real ones do. */
describe.skipIf(!hasCluster() || !hasHelm())('a watched namespace that is deleted', () => {
  let cluster: Cluster;
  let release: Release;
  let client: KubeClient;
  let stop: AbortController;
  let running: Promise<unknown>[];

  beforeEach(async () => {
    stop = new AbortController();
    running = [];
    cluster = await startCluster({ controllerManager: true });
    release = await installRelease(cluster, 'leaving');
    client = await release.component('operator');
  }, 120_000);
  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
    await cluster.stop();
  });

  const complaint = async (): Promise<string> => {
    const { status } = (await release.admin.get(namespaces, undefined, release.watched)) as Namespace;
    const found = status?.conditions?.find(({ type }) => type === 'NamespaceDeletionContentFailure');
    return found?.status === 'True' ? found.message : '';
  };

  it('keeps the rights of the operator for as long as tasks are held there, and then goes', async () => {
    const { admin, watched, home } = release;
    for (let index = 0; index < 20; index += 1)
      await admin.create(deployTasks, watched, {
        metadata: { name: `task-${index}`, finalizers: ['tiangong.io/cleanup'] },
        spec: { type: 'shell', command: 'true', agent: 'nobody' },
      });
    await admin.delete(namespaces, undefined, watched);
    await expect.poll(complaint, WITHIN).toMatch(/still held by finalizers of Tiangong/);
    expect((await client.list(deployTasks, watched)).items).toHaveLength(20);

    const settings = { ...defaultSettings, homeNamespace: home, namespaces: [watched], instance: 'test' };
    running.push(new Operator({ client, logger: SILENT, settings }).run(stop.signal));
    running.push(leaveWatched(client, { namespaces: [watched], holdBinding: HOLD, checkMs: 300 }, SILENT, stop.signal));
    const isGone = (): Promise<boolean> => admin.get(namespaces, undefined, watched).then(() => false, isNotFound);
    await expect.poll(isGone, WITHIN).toBe(true);
  });
});
