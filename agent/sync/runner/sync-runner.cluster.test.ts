import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNotFound } from '../../../kube/kube-error.ts';
import type { KubeObject } from '../../../kube/object.ts';
import { syncPushers, syncSources, syncTasks } from '../../../kube/resource.ts';
import { RESTART_ANNOTATION } from '../../../kube/sync-restart.ts';
import { hasCluster } from '../../../test/kubernetes/shared.ts';
import { SourceError } from '../source.ts';
import { condition, SyncBench, WITHIN } from './testing/sync-bench.ts';

const AGENT = 'agent-1';

describe.skipIf(!hasCluster())('SyncRunner', () => {
  let bench: SyncBench;
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
    const second = await bench.agent('agent-2');
    const sync = await bench.sync({ agent: 'agent-2' });
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', assignment: { agent: 'agent-2' } });
    await bench.patch(sync, { spec: { agent: 'agent-1' } });
    sync.log.set('a');
    await bench.carried(sync);
    await second.stop();
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 2, assignment: { agent: 'agent-1' } });
    sync.log.set('b');
    await bench.carried(sync);
    expect(sync.consumer.events('snapshot')).toEqual([]);
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
    expect(bench.driver.forgotten).toEqual(expect.arrayContaining([metadata.uid, other.metadata.uid]));
    expect(sync.log.openStreams).toBe(0);
  });
});
