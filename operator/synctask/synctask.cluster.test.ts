import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isNotFound } from '../../kube/kube-error.ts';
import { agents, leases, syncPushers, syncSources, syncTasks } from '../../kube/resource.ts';
import { RESTART_ANNOTATION } from '../../kube/sync-restart.ts';
import type { SyncTask, SyncTaskSpec } from '../../kube/types/synctask.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import { Operator } from '../operator.ts';
import { defaultSettings } from '../settings.ts';

const WITHIN = { timeout: 20_000, interval: 20 };

describe.skipIf(!hasCluster())('SyncTasks of the operator on a real kube-apiserver', () => {
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
  const microTime = (): string => new Date().toISOString().replace('Z', '000Z');

  /** Registers an agent, without a process: the test renews its Lease and writes for it. */
  async function register(leaseDurationSeconds = 3600): Promise<string> {
    const name = nameOf('agent');
    await cluster.client.create(leases, ns, {
      metadata: { name },
      spec: { holderIdentity: 'i1', leaseDurationSeconds, renewTime: microTime() },
    });
    await cluster.client.create(agents, ns, { metadata: { name }, spec: {} });
    const status = { taskTypes: ['sync-action'], instance: 'i1' };
    await cluster.client.patch(agents, ns, name, { status }, { subresource: 'status' });
    return name;
  }

  async function endpoints(disabled = false): Promise<{ source: string; pusher: string }> {
    const [source, pusher] = [nameOf('source'), nameOf('pusher')];
    await cluster.client.create(syncSources, ns, {
      metadata: { name: source },
      spec: { driver: 'fs', uri: '/data', disabled },
    });
    await cluster.client.create(syncPushers, ns, {
      metadata: { name: pusher },
      spec: { driver: 'echo', endpoint: 'http://127.0.0.1:1', disabled: false },
    });
    return { source, pusher };
  }

  const create = async (spec: Partial<SyncTaskSpec>): Promise<SyncTask> =>
    cluster.client.create(syncTasks, ns, {
      metadata: { name: nameOf('sync') },
      spec: { disabled: false, desiredState: 'Running', ...(await endpoints()), ...spec },
    });

  const get = (sync: SyncTask): Promise<SyncTask> => cluster.client.get(syncTasks, ns, sync.metadata.name);

  const patch = (sync: SyncTask, change: object, subresource?: 'status'): Promise<SyncTask> =>
    cluster.client.patch(
      syncTasks,
      ns,
      sync.metadata.name,
      change as Record<string, unknown>,
      subresource && { subresource },
    );

  async function reach(sync: SyncTask, status: object): Promise<SyncTask> {
    await expect.poll(async () => (await get(sync)).status, WITHIN).toMatchObject(status);
    return get(sync);
  }

  const scheduled = (reason: string): object => ({
    conditions: expect.arrayContaining([expect.objectContaining({ type: 'Scheduled', reason })]) as unknown,
  });

  const isGone = (read: Promise<unknown>): Promise<boolean> =>
    read.then(
      () => false,
      (err: unknown) => isNotFound(err),
    );

  it('assigns an enabled task to an agent, and waits for what is missing', async () => {
    const agent = await register();
    const later = nameOf('later');
    const sync = await create({ agent, source: later });
    await reach(sync, { state: 'STOPPED', ...scheduled('SourceNotFound') });
    await cluster.client.create(syncSources, ns, {
      metadata: { name: later },
      spec: { driver: 'fs', uri: '/data', disabled: true },
    });
    await reach(sync, scheduled('SourceDisabled'));
    await cluster.client.patch(syncSources, ns, later, { spec: { disabled: false } });
    const { metadata, status } = await reach(sync, { epoch: 1, assignment: { agent, instance: 'i1', epoch: 1 } });
    expect(metadata.finalizers).toEqual(['tiangong.io/cleanup']);
    expect(status?.observedGeneration).toBe(1);
  });

  it('assigns again at the next epoch when the agent gave the task back for a restart', async () => {
    const agent = await register();
    const sync = await reach(await create({ agent }), { epoch: 1 });
    await patch(sync, { metadata: { annotations: { [RESTART_ANNOTATION]: 'first' } } });
    await patch(sync, { status: { state: 'STOPPED', assignment: null } }, 'status');
    await reach(sync, { epoch: 2, restartedAt: 'first', assignment: { agent, epoch: 2 } });
    await patch(sync, { spec: { desiredState: 'Stopped' } });
    await patch(sync, { status: { state: 'STOPPED', assignment: null } }, 'status');
    const stopped = await reach(sync, { epoch: 2, observedGeneration: 2, ...scheduled('Stopped') });
    expect(stopped.status?.assignment).toBeUndefined();
  });

  it('moves tasks to another agent when theirs was stopped', async () => {
    const agent = await register();
    const sync = await reach(await create({ agent }), { epoch: 1 });
    await patch(sync, { spec: { agent: null } });
    const other = await register();
    await cluster.client.patch(leases, ns, agent, { spec: { holderIdentity: '' } });
    const moved = await reach(sync, { epoch: 2 });
    expect(moved.status?.assignment?.agent).not.toBe(agent);
    expect(other).not.toBe(agent);
  });

  it('deletes the tasks of a deleted source, waits for their agent, and only then lets the source go', async () => {
    const agent = await register();
    const pair = await endpoints();
    const running = await reach(await create({ ...pair, agent }), { epoch: 1 });
    const stopped = await create({ ...pair, desiredState: 'Stopped' });
    await reach(stopped, { state: 'STOPPED' });
    const readSource = (): Promise<unknown> => cluster.client.get(syncSources, ns, pair.source);
    await expect
      .poll(async () => (await cluster.client.get(syncSources, ns, pair.source)).metadata.finalizers, WITHIN)
      .toEqual(['tiangong.io/dependents']);
    await cluster.client.delete(syncSources, ns, pair.source);
    await expect.poll(() => isGone(get(stopped)), WITHIN).toBe(true);
    await expect.poll(async () => (await get(running)).metadata.deletionTimestamp, WITHIN).toBeDefined();
    expect(await isGone(readSource())).toBe(false);
    // What its agent does when it has stopped.
    await patch(running, { status: { state: 'STOPPED', assignment: null, started: null } }, 'status');
    await expect.poll(() => isGone(get(running)), WITHIN).toBe(true);
    await expect.poll(() => isGone(readSource()), WITHIN).toBe(true);
    await cluster.client.delete(syncPushers, ns, pair.pusher);
    await expect.poll(() => isGone(cluster.client.get(syncPushers, ns, pair.pusher)), WITHIN).toBe(true);
  });
});
