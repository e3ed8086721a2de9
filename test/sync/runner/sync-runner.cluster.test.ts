import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNotFound } from '../../../kube/kube-error.ts';
import type { KubeObject } from '../../../kube/object.ts';
import { syncPushers, syncSources, syncTasks } from '../../../kube/resource.ts';
import { RESTART_ANNOTATION } from '../../../kube/sync-restart.ts';
import { hasCluster } from '../../kubernetes/shared.ts';
import { SourceError } from '../../../agent/sync/source.ts';
import { condition, SyncBench, WITHIN } from './sync-bench.ts';

const AGENT = 'agent-1';

describe.skipIf(!hasCluster())('SyncRunner', () => {
  let bench: SyncBench;
  let others = 1;
  const patchEndpoint = (
    resource: typeof syncSources | typeof syncPushers,
    name: string,
    spec: object,
  ): Promise<KubeObject> => bench.cluster.client.patch<KubeObject>(resource, bench.cluster.namespace, name, { spec });

  beforeAll(async () => {
    bench = await SyncBench.open();
    await bench.agent(AGENT);
  });

  afterAll(() => bench.close());

  it('carries what is there and what changes, and shows it in the status', async () => {
    bench.driver.log(bench.nextName).set('before');
    const sync = await bench.sync({ agent: AGENT });
    const { status } = await bench.statusBecomes(sync, { state: expect.stringContaining('MESSAGE_SYNC') as string });
    expect(status).toMatchObject({ epoch: 1, started: { epoch: 1, generation: 1 } });
    sync.log.set('a');
    sync.log.set('b');
    sync.log.set('a');
    await bench.carried(sync);
    await bench.statusBecomes(sync, {
      ...condition('Ready', 'True', 'Streaming'),
      state: 'MESSAGE_SYNC',
      bus: { state: 'PRODUCING' },
      snapshot: { state: 'Succeeded', trigger: 'FirstStart' },
      position: { index: 4 },
      checkpoints: expect.arrayContaining([expect.objectContaining({ position: { at: 4 } })]) as unknown,
    });
    expect(sync.consumer.violations).toEqual([]);
  });

  it('stops and starts again where it was', async () => {
    const sync = await bench.sync({ agent: AGENT });
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC' });
    sync.log.set('a');
    await bench.carried(sync);
    await bench.patch(sync, { spec: { desiredState: 'Stopped' } });
    const stopped = await bench.statusBecomes(sync, { state: 'STOPPED', ...condition('Ready', 'False', 'Stopped') });
    expect(stopped.status?.assignment).toBeUndefined();
    expect(sync.log.openStreams).toBe(0);
    sync.log.set('b');
    sync.log.delete('a');
    await bench.patch(sync, { spec: { desiredState: 'Running' } });
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 2 });
    await bench.carried(sync);
    expect(sync.consumer.events('snapshot')).toEqual([]);
  });

  it('restarts at a new epoch when it is asked to, with the present configuration', async () => {
    const sync = await bench.sync({ agent: AGENT });
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC' });
    await patchEndpoint(syncSources, sync.name, { disabled: true });
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC|RUNNING_CONF_OUTDATE', epoch: 1 });
    await patchEndpoint(syncSources, sync.name, { disabled: false });
    await bench.patch(sync, { metadata: { annotations: { [RESTART_ANNOTATION]: 'one' } } });
    const restarted = await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 2, restartedAt: 'one' });
    expect(restarted.status?.started).toMatchObject({ epoch: 2, source: { generation: 3 } });
    await patchEndpoint(syncPushers, sync.name, { disabled: true });
    await bench.patch(sync, { metadata: { annotations: { [RESTART_ANNOTATION]: 'two' } } });
    await bench.statusBecomes(sync, { state: 'STOPPED', ...condition('Scheduled', 'False', 'PusherDisabled') });
  });

  it('tries again by itself what may succeed later', async () => {
    bench.driver.log(bench.nextName).broken = new SourceError('ConnectionFailed', 'the log is away', {
      retryable: true,
    });
    const sync = await bench.sync({ agent: AGENT });
    await bench.statusBecomes(sync, {
      state: 'ERROR',
      error: { reason: 'ConnectionFailed' },
      ...condition('Ready', 'False', 'ConnectionFailed'),
    });
    await bench.statusBecomes(sync, condition('Stalled', 'False', 'Retrying'));
    sync.log.broken = undefined;
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 1 });
    expect((await bench.get(sync)).status?.error).toBeUndefined();
  });

  it('waits for a person when a login is refused, and goes on with another one', async () => {
    const sync = await bench.sync({ agent: AGENT }, { secret_ref: 'bad' });
    await bench.statusBecomes(sync, { state: 'ERROR', ...condition('Stalled', 'True', 'AuthenticationFailed') });
    await patchEndpoint(syncSources, sync.name, { secret_ref: 'good' });
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 1, started: { source: { generation: 2 } } });
    expect(JSON.stringify(await bench.get(sync))).not.toMatch(/wrong|right/);
  });

  it('goes to another agent when its own is stopped, and goes on where it was', async () => {
    const name = `agent-${(others += 1)}`;
    const second = await bench.agent(name);
    const sync = await bench.sync({ agent: name });
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', assignment: { agent: name } });
    await bench.patch(sync, { spec: { agent: AGENT } });
    sync.log.set('a');
    await bench.carried(sync);
    await second.stop();
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 2, assignment: { agent: AGENT } });
    sync.log.set('b');
    await bench.carried(sync);
    expect(sync.consumer.events('snapshot')).toEqual([]);
  });

  it('reads one source once for two syncs', async () => {
    const one = await bench.sync({ agent: AGENT });
    await bench.statusBecomes(one, { state: 'MESSAGE_SYNC' });
    const two = { ...(await bench.sync({ agent: AGENT, source: one.name })), log: one.log };
    const { status } = await bench.statusBecomes(two, { state: 'MESSAGE_SYNC' });
    one.log.set('a');
    await Promise.all([bench.carried(one), bench.carried(two)]);
    expect(one.log.openStreams).toBe(1);
    expect(status?.bus?.id).toBe((await bench.get(one)).status?.bus?.id);
    await bench.patch(one, { spec: { desiredState: 'Stopped' } });
    await bench.statusBecomes(one, { state: 'STOPPED' });
    one.log.set('b');
    await bench.carried(two);
  });

  it('says that changes were missed, and makes up for them by a snapshot', async () => {
    const sync = await bench.sync({ agent: AGENT });
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC' });
    sync.log.set('a');
    await bench.carried(sync);
    await bench.patch(sync, { spec: { desiredState: 'Stopped' } });
    await bench.statusBecomes(sync, { state: 'STOPPED' });
    sync.log.set('b');
    sync.log.purgedTo = sync.log.changes.length;
    await bench.patch(sync, { spec: { desiredState: 'Running' } });
    await bench.carried(sync);
    await bench.statusBecomes(sync, {
      state: 'MESSAGE_SYNC',
      snapshot: { state: 'Succeeded', trigger: 'PositionLost' },
      ...condition('PositionLost', 'False', 'NothingLost'),
    });
    expect(await bench.eventsOf(sync)).toContain('SnapshotNeeded');
  });

  it('loses nothing and sends nothing old, however it is stopped, started, restarted and reconfigured', async () => {
    const [one, two] = await Promise.all([bench.sync({ agent: AGENT }), bench.sync({ agent: AGENT })]);
    for (const sync of [one, two]) await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC' });
    const writing = setInterval(() => {
      for (const { log } of [one, two]) {
        log.set(`key-${Math.trunc(Math.random() * 50)}`);
        if (Math.random() < 0.2) log.delete(`key-${Math.trunc(Math.random() * 50)}`);
      }
    }, 2);
    try {
      for (let i = 0; i < 40; i += 1) {
        const sync = i % 2 === 0 ? one : two;
        const restart = { metadata: { annotations: { [RESTART_ANNOTATION]: `${i}` } } };
        const change = [
          { spec: { desiredState: 'Stopped' } },
          { spec: { desiredState: 'Running' } },
          restart,
          { spec: { desiredState: 'Running', disabled: i % 3 === 0 } },
        ][Math.trunc(Math.random() * 4)];
        await bench.patch(sync, change ?? restart);
        if (Math.random() < 0.3) await patchEndpoint(syncPushers, sync.name, { batch_size: 1 + i });
        if (Math.random() < 0.3) sync.consumer.control({ snapshotNeeded: 1 });
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
      }
    } finally {
      clearInterval(writing);
    }
    for (const sync of [one, two]) {
      await bench.patch(sync, { spec: { desiredState: 'Running', disabled: false } });
      await bench.carried(sync);
      expect(sync.log.peakStreams).toBeLessThanOrEqual(1);
      expect(sync.consumer.violations).toEqual([]);
    }
  });

  it('forgets a deleted task at its source, and leaves nothing', async () => {
    const sync = await bench.sync({ agent: AGENT });
    const { metadata } = await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC' });
    const stopped = await bench.sync({ agent: AGENT });
    const other = await bench.statusBecomes(stopped, { state: 'MESSAGE_SYNC' });
    await bench.patch(stopped, { spec: { desiredState: 'Stopped' } });
    await bench.statusBecomes(stopped, { state: 'STOPPED' });
    await bench.cluster.client.delete(syncSources, bench.cluster.namespace, sync.name);
    await bench.cluster.client.delete(syncTasks, bench.cluster.namespace, stopped.name);
    for (const { name } of [sync, stopped])
      await expect.poll(() => bench.get({ name }).then(() => false, isNotFound), WITHIN).toBe(true);
    const { forgotten } = bench.driver;
    // Once: what the watch shows may be older than what was given back.
    for (const { uid } of [metadata, other.metadata]) expect(forgotten.filter((one) => one === uid)).toEqual([uid]);
    expect(sync.log.openStreams).toBe(0);
  });
});
