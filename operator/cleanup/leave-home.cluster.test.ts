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
import { daemonSets } from '../agentpool/kinds.ts';
import { poolLabels } from '../agentpool/pool-labels.ts';
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

  it('has its running tasks canceled, so that their agents need not wait for them, and ended ones left alone', async () => {
    const home = await makeHome();
    const client = cluster.client();
    const finalizers = ['tiangong.io/cleanup', 'example.com/look'];
    for (const [name, states] of [
      ['running', ['Assigned', 'Running']],
      ['ended', ['Failed']],
    ] as const) {
      const spec = { type: 'shell' as const, command: 'sleep 600', agent: 'a' };
      await client.create(deployTasks, home, { metadata: { name, finalizers }, spec });
      for (const state of states) {
        const assignment = { agent: 'a', instance: 'i', epoch: 1 };
        const status = { state, ...(state === 'Failed' ? {} : { assignment }) };
        await client.patch(deployTasks, home, name, { status }, { subresource: 'status' });
      }
    }
    await client.delete(namespaces, undefined, home);
    await leaveHome(client, { home, hostNamespace: undefined }, SILENT);
    const left = async (name: string): Promise<unknown> => {
      const { metadata, spec } = await client.get(deployTasks, home, name);
      return [metadata.finalizers, spec.cancel ?? false];
    };
    expect(await left('running')).toEqual([['example.com/look'], true]);
    expect(await left('ended')).toEqual([['example.com/look'], false]);
    for (const name of ['running', 'ended'])
      await client.patch(deployTasks, home, name, { metadata: { finalizers: null } });
  });

  it('ends the agents that its pools have in the host namespace', async () => {
    const home = await makeHome();
    const client = cluster.client();
    const hostNamespace = `${home}-host`;
    await client.create(namespaces, undefined, { metadata: { name: hostNamespace } });
    for (const name of ['pool', 'other']) {
      const labels = { app: name };
      await client.create(daemonSets, hostNamespace, {
        metadata: { name, labels: poolLabels(name, true, undefined) },
        spec: {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'agent', image: 'none' }] } },
        },
      });
    }
    await client.delete(namespaces, undefined, home);
    await leaveHome(client, { home, hostNamespace }, SILENT);
    await expect(client.get(daemonSets, hostNamespace, 'pool')).rejects.toSatisfy(isNotFound);
    await expect(client.get(daemonSets, hostNamespace, 'other')).resolves.toBeDefined();
  });

  it('keeps its finalizers when the operator ends for another reason', async () => {
    const home = await makeHome();
    await leaveHome(cluster.client(), { home, hostNamespace: undefined }, SILENT);
    expect((await cluster.client().get(deployTasks, home, 'task')).metadata.finalizers).toHaveLength(1);
  });

  it('is left as it is when nobody can say whether it is being deleted', async () => {
    const lines: string[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(line) });
    await leaveHome(cluster.client(), { home: 'never-was', hostNamespace: undefined }, logger);
    expect(lines.join('')).toContain('whether namespace never-was is being deleted is not known');
  });
});
