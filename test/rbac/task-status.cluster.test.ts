import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../kube/client.ts';
import { deployTasks, syncTasks } from '../../kube/resource.ts';
import type { DeployTaskStatus } from '../../kube/types/deploytask.ts';
import { hasHelm } from '../chart/helm-binaries.ts';
import { startCluster } from '../kubernetes/cluster.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { installRelease, userName } from './release.ts';
import type { Release } from './release.ts';

const POD = { pod: 'pool-7c9d-x2x4z', node: 'node-1' };
const DAEMON = { pod: 'nodes-abcde', node: 'node-1' };
const OTHER = { pod: 'pool-7c9d-other', node: 'node-2' };

describe.skipIf(!hasCluster() || !hasHelm())('who may write the status of tasks and syncs', () => {
  let cluster: Cluster;
  let release: Release;
  let operator: KubeClient;
  let pod: KubeClient;
  let other: KubeClient;
  let count = 0;

  beforeAll(async () => {
    cluster = await startCluster();
    release = await installRelease(cluster, 'home');
    operator = await release.component('operator');
    pod = await release.podAgent(POD);
    other = await release.podAgent(OTHER);
  });
  afterAll(() => cluster?.stop());

  /** A task that the operator has brought this far, and a way to write its status. */
  async function task(...states: DeployTaskStatus[]): Promise<(as: KubeClient, status: object) => Promise<string>> {
    const name = `task-${(count += 1)}`;
    await release.admin.create(deployTasks, 'home', {
      metadata: { name },
      spec: { agent: 'a', type: 'shell', command: 'x' },
    });
    const write = async (as: KubeClient, status: object): Promise<string> => {
      try {
        const after = await as.patch(deployTasks, 'home', name, { status }, { subresource: 'status' });
        return after.status?.state ?? '';
      } catch (err) {
        return (err as Error).message;
      }
    };
    for (const status of states) expect(await write(operator, status)).toBe(status.state);
    return write;
  }

  const assigned = (agent: string, epoch = 1): DeployTaskStatus => ({
    state: 'Assigned',
    assignment: { agent, instance: 'i', epoch, time: '2026-01-01T00:00:00Z' },
  });
  const RUNNING: DeployTaskStatus = { state: 'Running' };

  it('lets the agent that a task is assigned to start it and end it', async () => {
    const write = await task(assigned(POD.pod));
    expect(await write(pod, { state: 'Running', startTime: '2026-01-01T00:00:00Z' })).toBe('Running');
    expect(await write(pod, { state: 'Succeeded', exitCode: 0, result: { text: 'ok', bytes: 2 } })).toBe('Succeeded');
  });

  it('refuses what an agent writes about a task that is assigned to another one, or to none', async () => {
    const write = await task(assigned(POD.pod));
    expect(await write(other, RUNNING)).toMatch(
      /the task is not assigned to agent pool-7c9d-other or pool-7c9d-node-2/,
    );
    const free = await task({ state: 'Pending' });
    expect(await free(pod, { state: 'Failed' })).toMatch(/not assigned/);
    expect(await write(pod, RUNNING)).toBe('Running');
  });

  it('knows the agent of a DaemonSet by its pool and its node', async () => {
    const daemon = await release.podAgent(DAEMON);
    const write = await task(assigned('nodes-node-1'));
    expect(await write(daemon, RUNNING)).toBe('Running');
    const elsewhere = await task(assigned('nodes-node-2'));
    expect(await elsewhere(daemon, RUNNING)).toMatch(/not assigned/);
  });

  it('knows an agent with access to its host in the namespace of such agents', async () => {
    const daemon = await release.podAgent(DAEMON, release.host);
    expect(await (await task(assigned('nodes-node-1')))(daemon, RUNNING)).toBe('Running');
    expect(await (await task(assigned(POD.pod)))(daemon, RUNNING)).toMatch(/not assigned/);
  });

  it('knows the agent of a bare host by its ServiceAccount', async () => {
    await bindAgent('agent-db1');
    await bindAgent('agent-db2');
    const write = await task(assigned('db1'));
    expect(await write(await release.hostAgent('db2'), RUNNING)).toMatch(/not assigned to agent db2/);
    expect(await write(await release.hostAgent('db1'), RUNNING)).toBe('Running');
  });

  it('takes nobody for an agent who has the ServiceAccount of agents but no pod', async () => {
    const write = await task(assigned(POD.pod));
    const stolen = await release.component('agent');
    expect(await write(stolen, RUNNING)).toMatch(/system:serviceaccount:home:tiangong-agent, whose token names no pod/);
  });

  it('refuses an agent that assigns, approves, or takes a task back from its operator', async () => {
    const write = await task(assigned(POD.pod));
    expect(await write(pod, assigned(POD.pod, 2))).toMatch(/only the operator assigns tasks/);
    expect(await write(pod, assigned(OTHER.pod, 2))).toMatch(/only the operator assigns tasks/);
    expect(await write(pod, { observedGeneration: 7 })).toMatch(/only the operator assigns tasks/);
    expect(await write(pod, { state: 'Pending' })).toMatch(/only say that a task is Running, or how it ended/);
  });

  it('refuses an agent whose task was taken from it, and waits with its last assignment', async () => {
    const write = await task(assigned(POD.pod), { state: 'Pending' });
    expect(await write(pod, { state: 'Failed' })).toMatch(/the task waits, and is assigned to nobody/);
    expect(await write(pod, { state: 'Canceled' })).toMatch(/the task waits, and is assigned to nobody/);
    expect(await write(pod, { error: 'x' })).toMatch(/the task waits, and is assigned to nobody/);
    expect(await write(operator, assigned(POD.pod, 2))).toBe('Assigned');
    expect(await write(pod, { state: 'Failed' })).toBe('Failed');
  });

  it('refuses a person who writes a status, whatever rights they have', async () => {
    const write = await task(assigned(POD.pod));
    expect(await write(release.admin, RUNNING)).toMatch(/others may only settle Unknown as Succeeded or Failed/);
    expect(await write(await release.component('api'), RUNNING)).toMatch(/cannot patch resource "deploytasks\/status"/);
    const fresh = await task();
    expect(await fresh(release.admin, assigned('a'))).toMatch(/others may only settle/);
  });

  it('lets a person settle an Unknown outcome under their own name, and change nothing that was reported', async () => {
    const editor = await release.person('settler', { home: 'tiangong.home.edit' });
    const write = await task(assigned(POD.pod), RUNNING, { state: 'Unknown' });
    const settled = { state: 'Succeeded', resolution: { by: userName('settler'), evidence: 'the backup is there' } };
    expect(await write(editor, { ...settled, resolution: { by: 'someone else', evidence: 'e' } })).toMatch(
      /status.resolution.by must be who settles it: system:serviceaccount:people:settler/,
    );
    expect(
      await write(editor, {
        ...settled,
        rollback: { available: true, exact: true, statements: 1, bytes: 9, text: 'drop it' },
      }),
    ).toMatch(/may not change what the agent reported/);
    expect(await write(editor, settled)).toBe('Succeeded');
  });

  it('lets a person settle a task that reported a lot', async () => {
    const lines = Array.from({ length: 1000 }, (_, index) => ({ id: index + 1, message: 'm'.repeat(4) }));
    const report = { result: { text: 'r'.repeat(16_384), bytes: 16_384 }, log: { total: 1000, lines } };
    const write = await task(assigned(POD.pod), RUNNING, { state: 'Unknown', ...report });
    const resolution = { by: 'tiangong:admin', evidence: 'seen' };
    expect(await write(release.admin, { state: 'Failed', resolution })).toBe('Failed');
  });

  it('lets the agent itself settle an Unknown outcome late', async () => {
    const write = await task(assigned(POD.pod), RUNNING, { state: 'Unknown' });
    const late = { state: 'Failed', resolution: { by: `agent/${POD.pod}`, evidence: 'reported late' } };
    expect(await write(other, late)).toMatch(/not assigned/);
    expect(await write(pod, late)).toBe('Failed');
  });

  it('holds in every namespace that is looked after, and in no other', async () => {
    for (const [namespace, isRefused] of [
      [release.watched, true],
      [release.foreign, false],
    ] as const) {
      const spec = { agent: 'a', type: 'shell' as const, command: 'x' };
      const { metadata } = await release.admin.create(deployTasks, namespace, {
        metadata: { generateName: 'scope-' },
        spec,
      });
      const write = release.admin.patch(
        deployTasks,
        namespace,
        metadata.name,
        { status: { state: 'Failed' } },
        { subresource: 'status' },
      );
      if (isRefused) await expect(write).rejects.toThrow('may only settle');
      else await expect(write).resolves.toBeDefined();
    }
  });

  describe('of a sync', () => {
    async function sync(agent?: string): Promise<(as: KubeClient, status: object) => Promise<string>> {
      const name = `sync-${(count += 1)}`;
      await release.admin.create(syncTasks, 'home', { metadata: { name }, spec: { source: 's', pusher: 'p' } });
      const write = (as: KubeClient, status: object): Promise<string> =>
        as.patch(syncTasks, 'home', name, { status }, { subresource: 'status' }).then(
          () => 'written',
          (err: unknown) => (err as Error).message,
        );
      const assignment = { agent, instance: 'i', epoch: 1, time: '2026-01-01T00:00:00Z' };
      if (agent !== undefined) expect(await write(operator, { epoch: 1, assignment })).toBe('written');
      return write;
    }

    it('lets the agent that it is assigned to report, and give it back', async () => {
      const write = await sync(POD.pod);
      expect(await write(other, { info: 'mine' })).toMatch(/the sync is not assigned to agent pool-7c9d-other/);
      expect(await write(pod, { state: 'STARTING', info: 'reading' })).toBe('written');
      expect(await write(pod, { state: 'STOPPED', assignment: null })).toBe('written');
      expect(await write(pod, { info: 'once more' })).toMatch(/not assigned/);
    });

    it('refuses an agent that assigns it', async () => {
      const write = await sync(POD.pod);
      const assignment = { agent: OTHER.pod, instance: 'i', epoch: 1, time: '2026-01-01T00:00:00Z' };
      expect(await write(pod, { assignment })).toMatch(/only the operator assigns syncs/);
      expect(await write(pod, { epoch: 2, assignment: { ...assignment, epoch: 2 } })).toMatch(
        /only the operator assigns/,
      );
      expect(await write(pod, { restartedAt: 'now' })).toMatch(/only the operator assigns/);
    });

    it('refuses everybody else', async () => {
      expect(await (await sync())(release.admin, { info: 'x' })).toMatch(/only the operator and the agent of a sync/);
    });
  });

  /** What `tiangong agent join` does: the roles of agents for a ServiceAccount of its own. */
  async function bindAgent(name: string): Promise<void> {
    for (const role of ['tiangong-agent', 'tiangong-agent-home'])
      await release.admin.raw({
        method: 'POST',
        path: '/apis/rbac.authorization.k8s.io/v1/namespaces/home/rolebindings',
        body: JSON.stringify({
          // The name is the server's to choose: a test that is tried again binds it again.
          metadata: { generateName: `${name}-${role}-` },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
          subjects: [{ kind: 'ServiceAccount', name, namespace: 'home' }],
        }),
      });
  }
});
