import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNotFound } from '../../kube/kube-error.ts';
import { agentPools, deployTasks } from '../../kube/resource.ts';
import { startCluster } from '../../test/kubernetes/cluster.ts';
import type { Cluster } from '../../test/kubernetes/cluster.ts';
import { hasCluster } from '../../test/kubernetes/shared.ts';
import { Program } from '../../test/programs/program.ts';
import { leaveHome, namespaces } from './leave-home.ts';

const SILENT = pino({ level: 'silent' });

describe.skipIf(!hasCluster())('a home namespace that is deleted', () => {
  let cluster: Cluster;
  let serial = 0;

  beforeAll(async () => {
    // Empties namespaces, as in a real cluster.
    cluster = await startCluster({ controllerManager: true });
  });
  afterAll(() => cluster.stop());

  async function makeHome(): Promise<string> {
    const name = `home-${(serial += 1)}`;
    const client = cluster.client();
    await client.create(namespaces, undefined, { metadata: { name } });
    await client.create(deployTasks, name, {
      metadata: { name: 'task', finalizers: ['tiangong.io/cleanup'] },
      spec: { type: 'shell', command: 'true', agent: 'nobody' },
    });
    await client.create(agentPools, name, {
      metadata: { name: 'pool', finalizers: ['tiangong.io/agentpool'] },
      spec: { workload: 'DaemonSet', hostAccess: true },
    });
    return name;
  }

  const isGone = (name: string): Promise<boolean> =>
    cluster
      .client()
      .get(namespaces, undefined, name)
      .then(() => false, isNotFound);

  it('goes, once the operator that works there has been told to end', async () => {
    const home = await makeHome();
    const client = cluster.client();
    const folder = await mkdtemp(join(tmpdir(), 'tiangong-leave-home-'));
    const args = ['--kubeconfig', cluster.kubeconfig('operator'), '--home-namespace', home, '--namespaces', home];
    const operator = new Program({ name: 'operator', folder, args: [...args, '--health-port', '0'] });
    operator.start();
    try {
      await expect.poll(() => operator.log, { timeout: 60_000 }).toContain('the operator works');
      await client.delete(namespaces, undefined, home);
      const deletedAt = async (): Promise<unknown> =>
        (await client.get(agentPools, home, 'pool')).metadata.deletionTimestamp;
      await expect.poll(deletedAt, { timeout: 60_000 }).toBeDefined();
      await operator.stop();
      expect(operator.log).toContain('the home namespace is being deleted');
      await expect.poll(() => isGone(home), { timeout: 90_000 }).toBe(true);
    } finally {
      await operator.kill();
      await rm(folder, { recursive: true });
    }
  });

  it('keeps its finalizers when the operator ends for another reason', async () => {
    const home = await makeHome();
    await leaveHome(cluster.client(), home, SILENT);
    expect((await cluster.client().get(deployTasks, home, 'task')).metadata.finalizers).toHaveLength(1);
  });

  it('is left as it is when nobody can say whether it is being deleted', async () => {
    const lines: string[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(line) });
    await leaveHome(cluster.client(), 'never-was', logger);
    expect(lines.join('')).toContain('whether namespace never-was is being deleted is not known');
  });
});
