import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isNotFound } from '../../../kube/kube-error.ts';
import { syncPushers, syncSources, syncTasks } from '../../../kube/resource.ts';
import { RESTART_ANNOTATION } from '../../../kube/sync-restart.ts';
import type { SyncTask, SyncTaskSpec } from '../../../kube/types/synctask.ts';
import { Operator } from '../../../operator/operator.ts';
import { defaultSettings } from '../../../operator/settings.ts';
import { hasCluster, sharedCluster } from '../../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../../test/kubernetes/shared.ts';
import { TestConsumer } from '../../../test/sync/consumer.ts';
import { SourceError } from '../source.ts';
import type { KeyLog } from './testing/key-log.ts';
import { KeyLogDriver } from './testing/key-log.ts';
import { SyncAgent } from './testing/sync-agent.ts';

const WITHIN = { timeout: 20_000, interval: 25 };
const TIMES = { statusMs: 200, restartMs: 200, maxRestartMs: 1000 };

describe.skipIf(!hasCluster())('SyncRunner', () => {
  let cluster: SharedCluster;
  let ns: string;
  let agent: SyncAgent;
  const driver = new KeyLogDriver();
  const consumers: TestConsumer[] = [];
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
    agent = await startAgent('agent-1');
    await vi.waitUntil(() => operator.ready, WITHIN);
  });

  afterAll(async () => {
    await agent.stop();
    stop.abort();
    await ended;
    await Promise.all(consumers.map((consumer) => consumer.close()));
  });

  const startAgent = (name: string): Promise<SyncAgent> =>
    SyncAgent.start({
      ...{ client: cluster.clientFor(`agent/${name}`), namespace: ns, name, driver, times: TIMES },
      credentials: { bad: { user: 'u', passwd: 'wrong' }, good: { user: 'u', passwd: 'right' } },
    });

  interface Sync {
    readonly name: string;
    readonly log: KeyLog;
    readonly consumer: TestConsumer;
  }

  /** A sync from a log of its own to a consumer of its own, begun. */
  async function start(spec: Partial<SyncTaskSpec> = {}, source: object = {}): Promise<Sync> {
    const name = `sync-${(serial += 1)}`;
    const consumer = await TestConsumer.listen();
    consumers.push(consumer);
    const log = driver.log(name);
    const endpoint = { disabled: false, max_retries: 1, retry_delay_sec: 1 };
    await cluster.client.create(syncSources, ns, {
      metadata: { name },
      spec: { driver: 'keylog', uri: name, ...endpoint, ...source },
    });
    await cluster.client.create(syncPushers, ns, {
      metadata: { name },
      spec: { driver: 'openapi', endpoint: consumer.endpoint, ...endpoint },
    });
    await cluster.client.create(syncTasks, ns, {
      metadata: { name },
      spec: { source: name, pusher: name, disabled: false, desiredState: 'Running', agent: 'agent-1', ...spec },
    });
    return { name, log, consumer };
  }

  const get = ({ name }: { name: string }): Promise<SyncTask> => cluster.client.get(syncTasks, ns, name);

  const patch = ({ name }: { name: string }, change: Record<string, unknown>): Promise<SyncTask> =>
    cluster.client.patch(syncTasks, ns, name, change);

  const statusBecomes = async (sync: { name: string }, status: object): Promise<SyncTask> => {
    await expect.poll(async () => (await get(sync)).status, WITHIN).toMatchObject(status);
    return get(sync);
  };

  const condition = (type: string, status: string, reason?: string): object => ({
    conditions: expect.arrayContaining([
      expect.objectContaining({ type, status, ...(reason !== undefined && { reason }) }),
    ]) as unknown,
  });

  const carried = async ({ log, consumer }: Sync): Promise<void> => {
    await expect
      .poll(() => [...consumer.rows().values()].sort(byId), WITHIN)
      .toEqual([...log.rows.values()].sort(byId));
  };

  const byId = (one: Record<string, unknown>, other: Record<string, unknown>): number =>
    String(one['id']) < String(other['id']) ? -1 : 1;

  it('carries what is there and what changes, and shows it in the status', async () => {
    driver.log(`sync-${serial + 1}`).set('before');
    const sync = await start();
    const { status } = await statusBecomes(sync, { state: expect.stringContaining('MESSAGE_SYNC') as string });
    expect(status).toMatchObject({ epoch: 1, started: { epoch: 1, generation: 1 } });
    sync.log.set('a');
    sync.log.set('b');
    sync.log.set('a');
    await carried(sync);
    await statusBecomes(sync, {
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
    const sync = await start();
    await statusBecomes(sync, { state: 'MESSAGE_SYNC' });
    sync.log.set('a');
    await carried(sync);
    await patch(sync, { spec: { desiredState: 'Stopped' } });
    const stopped = await statusBecomes(sync, { state: 'STOPPED', ...condition('Ready', 'False', 'Stopped') });
    expect(stopped.status?.assignment).toBeUndefined();
    expect(sync.log.openStreams).toBe(0);
    sync.log.set('b');
    sync.log.delete('a');
    await patch(sync, { spec: { desiredState: 'Running' } });
    await statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 2 });
    await carried(sync);
    expect(sync.consumer.events('snapshot')).toEqual([]);
  });

  it('restarts at a new epoch when it is asked to, with the present configuration', async () => {
    const sync = await start();
    await statusBecomes(sync, { state: 'MESSAGE_SYNC' });
    await cluster.client.patch(syncSources, ns, sync.name, { spec: { disabled: true } });
    await statusBecomes(sync, { state: 'MESSAGE_SYNC|RUNNING_CONF_OUTDATE', epoch: 1 });
    await cluster.client.patch(syncSources, ns, sync.name, { spec: { disabled: false } });
    await patch(sync, { metadata: { annotations: { [RESTART_ANNOTATION]: 'one' } } });
    const restarted = await statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 2, restartedAt: 'one' });
    expect(restarted.status?.started).toMatchObject({ epoch: 2, source: { generation: 3 } });
    await cluster.client.patch(syncPushers, ns, sync.name, { spec: { disabled: true } });
    await patch(sync, { metadata: { annotations: { [RESTART_ANNOTATION]: 'two' } } });
    await statusBecomes(sync, { state: 'STOPPED', ...condition('Scheduled', 'False', 'PusherDisabled') });
  });

  it('tries again by itself what may succeed later', async () => {
    const name = `sync-${serial + 1}`;
    driver.log(name).broken = new SourceError('ConnectionFailed', 'the log is away', { retryable: true });
    const sync = await start();
    await statusBecomes(sync, {
      state: 'ERROR',
      error: { reason: 'ConnectionFailed' },
      ...condition('Ready', 'False', 'ConnectionFailed'),
    });
    await statusBecomes(sync, condition('Stalled', 'False', 'Retrying'));
    sync.log.broken = undefined;
    await statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 1 });
    expect((await get(sync)).status?.error).toBeUndefined();
  });

  it('waits for a person when a login is refused, and goes on with another one', async () => {
    const sync = await start({}, { secret_ref: 'bad' });
    await statusBecomes(sync, { state: 'ERROR', ...condition('Stalled', 'True', 'AuthenticationFailed') });
    await cluster.client.patch(syncSources, ns, sync.name, { spec: { secret_ref: 'good' } });
    await statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 1, started: { source: { generation: 2 } } });
    expect(JSON.stringify(await get(sync))).not.toMatch(/wrong|right/);
  });

  it('goes to another agent when its own is stopped, and goes on where it was', async () => {
    const second = await startAgent('agent-2');
    const sync = await start({ agent: 'agent-2' });
    await statusBecomes(sync, { state: 'MESSAGE_SYNC', assignment: { agent: 'agent-2' } });
    await patch(sync, { spec: { agent: 'agent-1' } });
    sync.log.set('a');
    await carried(sync);
    await second.stop();
    await statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 2, assignment: { agent: 'agent-1' } });
    sync.log.set('b');
    await carried(sync);
    expect(sync.consumer.events('snapshot')).toEqual([]);
  });

  it('forgets a deleted task at its source, and leaves nothing', async () => {
    const sync = await start();
    const { metadata } = await statusBecomes(sync, { state: 'MESSAGE_SYNC' });
    const stopped = await start();
    const other = await statusBecomes(stopped, { state: 'MESSAGE_SYNC' });
    await patch(stopped, { spec: { desiredState: 'Stopped' } });
    await statusBecomes(stopped, { state: 'STOPPED' });
    await cluster.client.delete(syncSources, ns, sync.name);
    await cluster.client.delete(syncTasks, ns, stopped.name);
    for (const { name } of [sync, stopped])
      await expect.poll(() => cluster.client.get(syncTasks, ns, name).then(() => false, isNotFound), WITHIN).toBe(true);
    expect(driver.forgotten).toEqual(expect.arrayContaining([metadata.uid, other.metadata.uid]));
    expect(sync.log.openStreams).toBe(0);
  });
});
