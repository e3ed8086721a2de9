import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { events } from '../kube/event.ts';
import { Informer, keyOf } from '../kube/informer.ts';
import { isNotFound } from '../kube/kube-error.ts';
import { agents, deployTasks, leases } from '../kube/resource.ts';
import { endConditions } from '../kube/task-state.ts';
import type { Agent } from '../kube/types/agent.ts';
import type { DeployTask, DeployTaskSpec } from '../kube/types/deploytask.ts';
import { binary } from '../test/kubernetes/binaries.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { SharedCluster } from '../test/kubernetes/shared.ts';
import { CLEANUP_FINALIZER } from './deploytask/finalizer.ts';
import { Operator } from './operator.ts';
import { defaultSettings } from './settings.ts';

const run = promisify(execFile);
const WITHIN = { timeout: 20_000, interval: 20 };

describe.skipIf(!hasCluster())('the operator on a real kube-apiserver', () => {
  let cluster: SharedCluster;
  let ns: string;
  const stop = new AbortController();
  let ended: Promise<void>;
  let serial = 0;

  beforeAll(async () => {
    cluster = await sharedCluster();
    ns = cluster.namespace;
    const operator = new Operator({
      client: cluster.clientFor('operator'),
      logger: pino({ level: 'silent' }),
      settings: { ...defaultSettings, homeNamespace: ns, instance: 'test', livenessCheckMs: 100 },
    });
    ended = operator.run(stop.signal);
    await vi.waitUntil(() => operator.ready, WITHIN);
  });

  afterAll(async () => {
    stop.abort();
    await ended;
  });

  const nameOf = (prefix: string): string => `${prefix}-${(serial += 1)}`;

  const create = (spec: Partial<DeployTaskSpec>, metadata: Partial<DeployTask['metadata']> = {}): Promise<DeployTask> =>
    cluster.client.create(deployTasks, ns, {
      metadata: { name: nameOf('task'), ...metadata },
      spec: { type: 'shell', command: 'true', ...spec },
    });

  const get = (task: DeployTask): Promise<DeployTask> => cluster.client.get(deployTasks, ns, task.metadata.name);

  const reach = async (task: DeployTask, state: string): Promise<DeployTask> => {
    await expect.poll(async () => (await get(task)).status?.state, WITHIN).toBe(state);
    return get(task);
  };

  const reasonOf = (task: DeployTask | Agent, type: string): string | undefined =>
    task.status?.conditions?.find((condition) => condition.type === type)?.reason;

  const isGone = (task: DeployTask): Promise<boolean> =>
    get(task).then(
      () => false,
      (err: unknown) => isNotFound(err),
    );

  /** Registers an agent, without a process: the test renews its Lease and writes for it. */
  async function register(labels: Record<string, string> = {}): Promise<string> {
    const name = nameOf('agent');
    await cluster.client.create(leases, ns, {
      metadata: { name },
      spec: { holderIdentity: 'i1', leaseDurationSeconds: 3600, renewTime: microTime() },
    });
    await cluster.client.create(agents, ns, { metadata: { name, labels }, spec: {} });
    await cluster.client.patch(
      agents,
      ns,
      name,
      { status: { taskTypes: ['shell'], instance: 'i1' } },
      { subresource: 'status' },
    );
    return name;
  }

  const microTime = (): string => new Date().toISOString().replace('Z', '000Z');

  const write = (task: DeployTask, status: object): Promise<DeployTask> =>
    cluster.client.patch(
      deployTasks,
      ns,
      task.metadata.name,
      { metadata: { resourceVersion: task.metadata.resourceVersion }, status },
      { subresource: 'status' },
    );

  const start = (task: DeployTask): Promise<DeployTask> =>
    write(task, { state: 'Running', startTime: new Date().toISOString() });

  const finish = (task: DeployTask): Promise<DeployTask> =>
    write(task, {
      state: 'Succeeded',
      completionTime: new Date().toISOString(),
      exitCode: 0,
      conditions: endConditions(task.status?.conditions, 'Succeeded', 'Completed', 'exit status 0', 1, new Date()),
    });

  it('assigns a task with one write, and writes no more when it starts and ends', async () => {
    const agent = await register();
    const watching = new AbortController();
    const tasks = new Informer(cluster.client, deployTasks, { namespace: ns });
    const versions = new Map<string, Set<string | undefined>>();
    tasks.onChange((key, task) => {
      versions.set(key, (versions.get(key) ?? new Set()).add(task?.metadata.resourceVersion));
    });
    const watched = tasks.run(watching.signal);
    await tasks.synced;
    const assigned = await reach(await create({ agent }), 'Assigned');
    expect(assigned.status?.assignment).toMatchObject({ agent, instance: 'i1', epoch: 1 });
    expect(assigned.status?.observedGeneration).toBe(1);
    expect(reasonOf(assigned, 'Assigned')).toBe('Dispatched');
    await finish(await start(assigned));
    await reach(assigned, 'Succeeded');
    // A later task is assigned after everything that the first could have caused.
    const later = await reach(await create({ agent }), 'Assigned');
    await expect.poll(() => tasks.get(keyOf(later))?.status?.state, WITHIN).toBe('Assigned');
    watching.abort();
    await watched;
    // Created, assigned, started and ended.
    expect(versions.get(keyOf(assigned))?.size).toBe(4);
    expect(versions.get(keyOf(later))?.size).toBe(2);
  });

  it('says that an agent is online', async () => {
    const name = await register();
    await expect
      .poll(async () => reasonOf(await cluster.client.get(agents, ns, name), 'Online'), WITHIN)
      .toBe('LeaseRenewed');
    await cluster.client.patch(leases, ns, name, { spec: { holderIdentity: '' } });
    await expect
      .poll(async () => reasonOf(await cluster.client.get(agents, ns, name), 'Online'), WITHIN)
      .toBe('LeaseReleased');
  });

  it('keeps a task pending for an unknown agent, and assigns it when the agent comes', async () => {
    const name = `agent-${serial + 2}`;
    const pending = await reach(await create({ agent: name }), 'Pending');
    expect(reasonOf(pending, 'Assigned')).toBe('AgentNotFound');
    expect(await register()).toBe(name);
    expect((await reach(pending, 'Assigned')).status?.assignment?.epoch).toBe(1);
  });

  it('assigns what waits when an agent takes tasks again', async () => {
    const agent = await register();
    await cluster.client.patch(agents, ns, agent, { spec: { unschedulable: true } });
    await expect
      .poll(async () => reasonOf(await reach(await create({ agent }), 'Pending'), 'Assigned'), WITHIN)
      .toBe('AgentUnschedulable');
    await cluster.client.patch(agents, ns, agent, { spec: { unschedulable: false } });
    await expect
      .poll(async () => {
        const all = await cluster.client.list(deployTasks, ns, { fieldSelector: `spec.agent=${agent}` });
        return all.items.every(({ status }) => status?.state === 'Assigned');
      }, WITHIN)
      .toBe(true);
  });

  it('spreads a burst over the agents that match', async () => {
    const pool = nameOf('pool');
    const names = await Promise.all([1, 2, 3, 4].map(() => register({ pool })));
    await Promise.all(
      names.map((name) =>
        expect
          .poll(async () => reasonOf(await cluster.client.get(agents, ns, name), 'Online'), WITHIN)
          .toBe('LeaseRenewed'),
      ),
    );
    const tasks = await Promise.all(
      Array.from({ length: 80 }, () => create({ agentSelector: { matchLabels: { pool } } })),
    );
    const counts = new Map<string, number>();
    for (const task of tasks) {
      const { agent = '' } = (await reach(task, 'Assigned')).status?.assignment ?? {};
      counts.set(agent, (counts.get(agent) ?? 0) + 1);
    }
    expect([...counts.values()]).toEqual([20, 20, 20, 20]);
  });

  it('resolves the tasks of an agent whose Lease ran out', async () => {
    const agent = await register();
    const waits = await reach(await create({ agent }), 'Assigned');
    const runs = await start(await reach(await create({ agent }), 'Assigned'));
    await cluster.client.patch(leases, ns, agent, { spec: { renewTime: microTime(), leaseDurationSeconds: 1 } });
    const unknown = await reach(runs, 'Unknown');
    expect(reasonOf(unknown, 'Succeeded')).toBe('AgentLost');
    expect(unknown.status?.error).toContain(agent);
    expect(unknown.status?.completionTime).toMatch(/\.\d{3}Z$/);
    expect(reasonOf(await reach(waits, 'Pending'), 'Assigned')).toBe('AgentOffline');
    await expect
      .poll(async () => reasonOf(await cluster.client.get(agents, ns, agent), 'Online'), WITHIN)
      .toBe('LeaseExpired');
    // A new process of the same name gets what had not been started, at a higher epoch.
    await cluster.client.patch(leases, ns, agent, {
      spec: { holderIdentity: 'i2', renewTime: microTime(), leaseDurationSeconds: 3600 },
    });
    expect((await reach(waits, 'Assigned')).status?.assignment).toMatchObject({ instance: 'i2', epoch: 2 });
    // The late report of the old process settles the outcome.
    await write(unknown, { state: 'Succeeded', resolution: { by: agent, evidence: 'its journal' } });
    await reach(unknown, 'Succeeded');
  });

  it('gives a task to the new process of its agent at once', async () => {
    const agent = await register();
    const first = await reach(await create({ agent }), 'Assigned');
    await cluster.client.patch(leases, ns, agent, { spec: { holderIdentity: 'i2', renewTime: microTime() } });
    await expect
      .poll(async () => (await get(first)).status?.assignment, WITHIN)
      .toMatchObject({ instance: 'i2', epoch: 2 });
    await expect(start(first)).rejects.toMatchObject({ code: 409 });
  });

  it('cancels what has not been started', async () => {
    const agent = await register();
    const task = await reach(await create({ agent }), 'Assigned');
    await cluster.client.patch(deployTasks, ns, task.metadata.name, { spec: { cancel: true } });
    const canceled = await reach(task, 'Canceled');
    expect(reasonOf(canceled, 'Succeeded')).toBe('CanceledByUser');
    expect(canceled.status?.observedGeneration).toBe(2);
    expect(reasonOf(await reach(await create({ agent, cancel: true }), 'Canceled'), 'Succeeded')).toBe(
      'CanceledByUser',
    );
  });

  it('fails what could not be started in time, and says why', async () => {
    const failed = await reach(await create({ agent: 'nobody', startDeadlineSeconds: 5 }), 'Failed');
    expect(reasonOf(failed, 'Succeeded')).toBe('StartDeadlineExceeded');
    expect(failed.status?.error).toBe('not started within 5 s: AgentNotFound: there is no agent nobody');
    await expect
      .poll(async () => {
        const list = await cluster.client.list(events, ns);
        return list.items
          .filter(({ involvedObject }) => involvedObject.name === failed.metadata.name)
          .map(({ reason }) => reason)
          .sort();
      }, WITHIN)
      .toEqual(['AgentNotFound', 'StartDeadlineExceeded']);
  });

  it('deletes ended tasks that ask for it, and holds deleted ones until their work has ended', async () => {
    const agent = await register();
    const finalizers = [CLEANUP_FINALIZER];
    const kept = await reach(await create({ agent, ttlSecondsAfterFinished: 1 }, { finalizers }), 'Assigned');
    await finish(await start(kept));
    await expect.poll(() => isGone(kept), WITHIN).toBe(true);

    const never = await reach(await create({ agent: 'nobody' }, { finalizers }), 'Pending');
    await cluster.client.delete(deployTasks, ns, never.metadata.name);
    await expect.poll(() => isGone(never), WITHIN).toBe(true);

    const runs = await start(await reach(await create({ agent }, { finalizers }), 'Assigned'));
    await cluster.client.delete(deployTasks, ns, runs.metadata.name);
    const deleting = await get(runs);
    expect(deleting.status?.state).toBe('Running');
    await finish(deleting);
    await expect.poll(() => isGone(runs), WITHIN).toBe(true);
  });

  it('lets kubectl wait for an ended task whose TTL was changed', async () => {
    const agent = await register();
    const task = await finish(await start(await reach(await create({ agent }), 'Assigned')));
    const kubectl = (...args: string[]): Promise<{ stdout: string }> =>
      run(binary('kubectl'), ['--kubeconfig', cluster.kubeconfig(), '-n', ns, ...args]);
    const name = `deploytask/${task.metadata.name}`;
    await kubectl('patch', name, '--type', 'merge', '-p', '{"spec":{"ttlSecondsAfterFinished":86400}}');
    const { stdout } = await kubectl('wait', name, '--for', 'condition=Succeeded', '--timeout', '20s');
    expect(stdout).toContain('condition met');
    await kubectl('wait', name, '--for', 'condition=Assigned', '--timeout', '20s');
  });

  it('leaves the tasks of namespaces alone that its agents do not serve', async () => {
    const agent = await register();
    const other = await sharedCluster();
    const task = await other.client.create(deployTasks, other.namespace, {
      metadata: { name: 'elsewhere' },
      spec: { type: 'shell', command: 'true', agent },
    });
    const read = async (): Promise<DeployTask> => other.client.get(deployTasks, other.namespace, task.metadata.name);
    await expect.poll(async () => reasonOf(await read(), 'Assigned'), WITHIN).toBe('NamespaceNotServed');
    await cluster.client.patch(agents, ns, agent, { spec: { namespaces: [other.namespace] } });
    await expect.poll(async () => (await read()).status?.state, WITHIN).toBe('Assigned');
  });
});
