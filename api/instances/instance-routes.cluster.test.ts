import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { syncPushers, syncSources, syncTasks } from '../../kube/resource.ts';
import { RESTART_ANNOTATION } from '../../kube/sync-restart.ts';
import { specDigest } from '../../kube/sync-spec-digest.ts';
import type { SyncTask, SyncTaskStatus } from '../../kube/types/synctask.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import type { Answer } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';

/** Whatever an answer holds: what it is is what is tested. */
type Json = ReturnType<typeof JSON.parse>;

const BUS = {
  id: 'bus-1',
  source_name: 's',
  state: 'PRODUCING',
  info: '生产者任务已启动，正在监听数据源。',
  statistics: { events_produced: 7, subscriber_count: 1, buffer_size: 2, events_produced_total: 7, bus_queue_size: 2 },
} as const;

describe.skipIf(!hasCluster())('the routes of instances', () => {
  let api: ApiUnderTest;
  let number = 0;
  const call = (method: string, path: string): Promise<Answer<Json>> => api.call<Json>(method, `/api/instances${path}`);
  const sync = (id: string): Promise<SyncTask> => api.client.get(syncTasks, api.namespace, id);
  const pipeline = async (id: string): Promise<Json> =>
    (await call('GET', '/status')).body.pipelines.find((one: Json) => one.id === id);

  async function make(spec: object = {}): Promise<{ s: string; p: string; t: string }> {
    number += 1;
    const [s, p, t] = [`s${number}`, `p${number}`, `t${number}`];
    const { client, namespace } = api;
    await client.create(syncSources, namespace, {
      metadata: { name: s },
      spec: { driver: 'fs', uri: '/x', disabled: false },
    });
    await client.create(syncPushers, namespace, {
      metadata: { name: p },
      spec: { driver: 'echo', endpoint: 'http://c', disabled: false },
    });
    await client.create(syncTasks, namespace, {
      metadata: { name: t },
      spec: { source: s, pusher: p, disabled: false, ...spec },
    });
    await vi.waitFor(async () => expect(await pipeline(t)).toMatchObject({ source_id: s, pusher_id: p }));
    return { s, p, t };
  }

  /** Plays operator and agent: the sync runs with the configuration of now. */
  async function run(id: string, status: Partial<SyncTaskStatus> = {}): Promise<void> {
    const { spec, metadata } = await sync(id);
    const [source, pusher] = await Promise.all([
      api.client.get(syncSources, api.namespace, spec.source),
      api.client.get(syncPushers, api.namespace, spec.pusher),
    ]);
    const time = new Date().toISOString();
    const versionOf = ({ metadata: { uid, generation } }: { metadata: SyncTask['metadata'] }): object => ({
      uid,
      generation,
    });
    const started = {
      epoch: 1,
      generation: metadata.generation,
      specDigest: specDigest(spec),
      source: versionOf(source),
      pusher: versionOf(pusher),
      time,
    };
    const running = {
      epoch: 1,
      assignment: { agent: 'a1', instance: 'i', epoch: 1, time },
      started,
      state: 'MESSAGE_SYNC',
      info: '正在同步',
      bus: BUS,
    };
    await api.client.patch(
      syncTasks,
      api.namespace,
      id,
      { status: { ...running, ...status } },
      { subresource: 'status' },
    );
    const { state = 'MESSAGE_SYNC' } = status;
    await vi.waitFor(async () => expect((await pipeline(id)).sync_info.state).toBe(state));
  }

  beforeAll(async () => {
    api = await ApiUnderTest.start(await sharedCluster());
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('show a running sync in the shape of the original', async () => {
    const { s, p, t } = await make();
    const statistics = { events_pushed: 5, last_pushed_event_id: 1795308578495 };
    await run(t, { statistics, position: { index: 1795308578495 }, lagMs: 3 });
    const instance = {
      id: t,
      state: 'MESSAGE_SYNC',
      flags: ['MESSAGE_SYNC'],
      info: '正在同步',
      statistics,
      bus_info: BUS,
      bus_id: 'bus-1',
      agent: 'a1',
      epoch: 1,
      position: { index: 1795308578495 },
      lag_ms: 3,
    };
    expect(await pipeline(t)).toEqual({
      id: t,
      overall_status: 'MESSAGE_SYNC',
      source_id: s,
      pusher_id: p,
      bus_info: BUS,
      sync_info: instance,
      is_disabled: false,
    });
    expect((await call('GET', '/syncs')).body).toContainEqual(instance);
    expect((await call('GET', '/buses/')).body).toContainEqual(BUS);
  });

  it('show what does not run, and why', async () => {
    const { s, t } = await make();
    const stopped = {
      state: 'STOPPED',
      statistics: { events_pushed: 0, last_pushed_event_id: null },
      bus_info: null,
    };
    expect(await pipeline(t)).toMatchObject({
      overall_status: 'STOPPED',
      bus_info: null,
      sync_info: { ...stopped, info: '任务已停止' },
      is_disabled: false,
    });
    expect((await call('GET', '/syncs')).body).not.toContainEqual(expect.objectContaining({ id: t }));
    await api.call('POST', `/api/configs/sources/${s}/_actions/disable`);
    expect(await pipeline(t)).toMatchObject({ sync_info: { ...stopped, info: '任务已禁用' }, is_disabled: true });
  });

  it('count by flags', async () => {
    type Summary = Record<'running_pipelines' | 'outdated_pipelines' | 'error_pipelines', number>;
    const summary = async (): Promise<Summary> => (await call('GET', '/status')).body.global_summary;
    const before = await summary();
    const states = [
      'MESSAGE_SYNC',
      'SNAPSHOT_SYNC|MESSAGE_SYNC|RUNNING_CONF_OUTDATE',
      'ERROR',
      'STARTING',
      'MESSAGE_SYNC',
    ];
    for (const [i, state] of states.entries()) {
      const { t } = await make();
      await run(t, { state, ...(i === 4 && { bus: { ...BUS, id: 'bus-2', state: 'ERROR' } }) });
      if (i === 4) expect((await pipeline(t)).overall_status).toBe('ERROR');
    }
    expect(await summary()).toEqual({
      running_pipelines: before.running_pipelines + 2,
      outdated_pipelines: before.outdated_pipelines + 1,
      error_pipelines: before.error_pipelines + 2,
    });
  });

  it('start and stop by what the sync is asked for', async () => {
    const { t } = await make();
    expect(await call('POST', `/syncs/${t}/_actions/start`)).toMatchObject({
      status: 202,
      body: { message: `Sync instance ${t} start initiated.` },
    });
    expect((await sync(t)).spec.desiredState).toBe('Running');
    const { metadata } = await sync(t);
    await call('POST', `/syncs/${t}/_actions/start/`);
    expect((await sync(t)).metadata.resourceVersion, 'runs already').toBe(metadata.resourceVersion);
    expect(await call('POST', `/syncs/${t}/_actions/stop`)).toMatchObject({
      status: 202,
      body: { message: `Sync instance ${t} stop initiated.` },
    });
    expect((await sync(t)).spec.desiredState).toBe('Stopped');
    expect(await call('POST', `/syncs/${t}/_actions/stop`)).toMatchObject({ status: 202 });
    expect(await call('POST', '/syncs/none/_actions/stop')).toMatchObject({ status: 202 });
    expect(await call('POST', '/syncs/none/_actions/start')).toMatchObject({
      status: 404,
      body: { detail: "Sync config with id 'none' not found." },
    });
  });

  it('leave a disabled sync alone', async () => {
    const own = await make({ disabled: true });
    const ofSource = await make();
    await api.call('POST', `/api/configs/sources/${ofSource.s}/_actions/disable`);
    for (const { t } of [own, ofSource]) {
      expect(await call('POST', `/syncs/${t}/_actions/start`)).toMatchObject({ status: 202 });
      expect((await sync(t)).spec.desiredState).toBe('Stopped');
    }
  });

  it('start one with an error again, and one that is being stopped anew', async () => {
    const failed = await make({ desiredState: 'Running' });
    await run(failed.t, { state: 'ERROR' });
    await call('POST', `/syncs/${failed.t}/_actions/start`);
    const stopping = await make({ desiredState: 'Stopped' });
    await run(stopping.t, { state: 'MESSAGE_SYNC|STOPPING' });
    await call('POST', `/syncs/${stopping.t}/_actions/start`);
    for (const { t } of [failed, stopping]) {
      const { spec, metadata } = await sync(t);
      expect(spec.desiredState).toBe('Running');
      expect(Date.parse(metadata.annotations?.[RESTART_ANNOTATION] ?? '')).toBeGreaterThan(0);
    }
  });

  it('restart what is outdated, as soon as its configuration was changed, and nothing else', async () => {
    await call('POST', '/_actions/apply_changes');
    const [bySource, byPusher, byFlag, itself, other] = [
      await make(),
      await make(),
      await make(),
      await make(),
      await make(),
    ];
    for (const { t } of [bySource, byPusher, itself, other]) await run(t);
    await run(byFlag.t, { state: 'MESSAGE_SYNC|RUNNING_CONF_OUTDATE' });
    await api.call('POST', `/api/configs/sources/${bySource.s}/_actions/disable`);
    await api.call('PUT', `/api/configs/pushers/${byPusher.p}`, {
      config: { driver: 'echo', endpoint: 'http://c', batch_size: 5 },
    });
    await api.call('POST', `/api/configs/syncs/${itself.t}/_actions/disable`);
    // No change of what runs.
    await api.client.patch(syncTasks, api.namespace, other.t, { spec: { desiredState: 'Running' } });
    expect((await pipeline(bySource.t)).sync_info).toMatchObject({
      state: 'MESSAGE_SYNC|RUNNING_CONF_OUTDATE',
      info: `Dependency Source '${bySource.s}' configuration was disabled.`,
    });
    expect(await call('POST', '/_actions/apply_changes/')).toMatchObject({
      status: 202,
      body: { message: 'Initiated restart for 4 outdated sync tasks.' },
    });
    for (const { t } of [bySource, byPusher, byFlag, itself])
      expect((await sync(t)).metadata.annotations, t).toHaveProperty([RESTART_ANNOTATION]);
    expect((await sync(other.t)).metadata.annotations).toBeUndefined();

    expect((await call('POST', '/_actions/apply_all_pending_changes')).status).toBe(202);
  });

  it('show the metrics of the original, as Prometheus reads them', async () => {
    const { s, p, t } = await make();
    await run(t, {
      bus: { ...BUS, id: 'bus-m', source_name: s },
      statistics: { events_pushed: 50, pushes: 3, push_latency_seconds_sum: 0.6, push_latency_seconds_count: 3 },
    });
    const response = await fetch(`${api.url}/api/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const lines = (await response.text()).split('\n');
    const ends = `{sync_id="${t}",source_id="${s}",pusher_id="${p}"}`;
    expect(lines).toEqual(
      expect.arrayContaining([
        '# HELP fustor_agent_events_produced_total Total number of events produced by source bus.',
        '# TYPE fustor_agent_events_produced_total counter',
        `fustor_agent_events_produced_total{source_id="${s}",bus_id="bus-m"} 7`,
        '# TYPE fustor_agent_bus_queue_size gauge',
        `fustor_agent_bus_queue_size{source_id="${s}",bus_id="bus-m"} 2`,
        '# TYPE fustor_agent_events_pushed_total counter',
        `fustor_agent_events_pushed_total${ends} 50`,
        '# TYPE fustor_agent_sync_push_latency_seconds summary',
        `fustor_agent_sync_push_latency_seconds_sum${ends} 0.6`,
        `fustor_agent_sync_push_latency_seconds_count${ends} 3`,
      ]),
    );
    const described = lines.filter((line) => line.startsWith('# TYPE'));
    expect(new Set(described).size, 'each family once').toBe(described.length);
    const series = lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.replace(/ \S+$/, ''));
    expect(new Set(series).size, 'each series once').toBe(series.length);
    expect(await (await fetch(`${api.url}/metrics`)).text()).toContain(`fustor_agent_events_pushed_total${ends} 50`);
  });
});
