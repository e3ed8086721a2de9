import { appendFileSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TestConsumer } from '../sync/consumer.ts';

/** Whatever an answer holds: what it is is what is tested. */
type Json = ReturnType<typeof JSON.parse>;

const WITHIN = { timeout: 60_000, interval: 100 };

describe.skipIf(!hasCluster())('the second manual, from a folder to a consumer', { timeout: 240_000 }, () => {
  let programs: Programs;
  let consumer: TestConsumer;
  let folder: string;
  let serial = 0;
  /** Ids of source, pusher and sync, which no other try has used. */
  let [s, p, t] = ['', '', ''];

  beforeAll(async () => {
    programs = await startPrograms(await sharedCluster());
  });
  afterAll(() => programs?.stop());

  beforeEach(async () => {
    serial += 1;
    [s, p, t] = [`s${serial}`, `p${serial}`, `t${serial}`];
    consumer = await TestConsumer.listen();
    folder = join(programs.folder, `watched-${serial}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'there'), 'x');
  });
  afterEach(async () => {
    await call('DELETE', `/configs/sources/${s}`);
    await call('DELETE', `/configs/pushers/${p}`);
    await consumer.close();
  });

  async function call(method: string, path: string, body?: object): Promise<{ status: number; body: Json }> {
    const response = await fetch(`${programs.rest.url}/api${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, body: isJson ? JSON.parse(text) : text };
  }

  const pipeline = async (): Promise<Json> => (await call('GET', '/instances/status')).body.pipelines[0];
  const reach = (state: string): Promise<unknown> =>
    expect.poll(async () => (await pipeline())?.overall_status, WITHIN).toBe(state);

  /** The names of files that the consumer knows of. */
  const known = (): string[] =>
    [...consumer.rows().values()]
      .filter((row) => row['is_dir'] !== true)
      .map((row) => String(row['file_path']).slice(folder.length + 1))
      .sort();

  /** Source, pusher and sync by three calls; not started. */
  async function configure(): Promise<void> {
    const source = { driver: 'fs', uri: folder, credential: { user: 'fs-user', passwd: null }, disabled: false };
    expect(await call('POST', `/configs/sources/${s}`, { config: source })).toMatchObject({ status: 201 });
    const pusher = {
      driver: 'openapi',
      endpoint: consumer.endpoint,
      credential: { key: 'k3y-the-first' },
      disabled: false,
    };
    expect(await call('POST', `/configs/pushers/${p}`, { config: pusher })).toMatchObject({ status: 201 });
    const sync = { source: s, pusher: p, disabled: false };
    expect(await call('POST', `/configs/syncs/${t}`, sync)).toMatchObject({ status: 201 });
  }

  /** Until it has sent what is there. */
  async function start(): Promise<void> {
    await configure();
    expect((await call('POST', `/instances/syncs/${t}/_actions/start`)).status).toBe(202);
    await reach('MESSAGE_SYNC');
    await expect.poll(known, WITHIN).toEqual(['there']);
  }

  it('three calls configure it, and one starts it: messages, and beside them a snapshot', async () => {
    await configure();
    expect(await pipeline()).toMatchObject({ id: t, overall_status: 'STOPPED' });

    expect((await call('POST', `/instances/syncs/${t}/_actions/start`)).status).toBe(202);
    await reach('MESSAGE_SYNC');
    await expect.poll(known, WITHIN).toEqual(['there']);
    writeFileSync(join(folder, 'new'), 'y');
    await expect.poll(known, WITHIN).toEqual(['new', 'there']);
    unlinkSync(join(folder, 'there'));
    await expect.poll(known, WITHIN).toEqual(['new']);
    expect(consumer.events('snapshot')).not.toEqual([]);
    expect(consumer.events('message')).not.toEqual([]);
  });

  it('its state, its bus and its metrics can be seen', async () => {
    await start();
    writeFileSync(join(folder, 'new'), 'y');
    await expect.poll(known, WITHIN).toEqual(['new', 'there']);
    unlinkSync(join(folder, 'there'));
    await expect.poll(async () => (await pipeline()).sync_info.statistics.events_pushed, WITHIN).toBeGreaterThan(2);
    const { body } = await call('GET', '/instances/status');
    expect(body.global_summary).toEqual({ running_pipelines: 1, outdated_pipelines: 0, error_pipelines: 0 });
    expect(body.pipelines).toMatchObject([
      {
        ...{ id: t, source_id: s, pusher_id: p, is_disabled: false },
        bus_info: { source_name: s, state: 'PRODUCING' },
        sync_info: { id: t, agent: programs.agentName },
      },
    ]);
    expect((await call('GET', '/instances/buses')).body).toMatchObject([{ source_name: s, state: 'PRODUCING' }]);
    expect((await call('GET', '/instances/syncs')).body).toMatchObject([{ id: t, state: 'MESSAGE_SYNC' }]);
    const labels = `sync_id="${t}",source_id="${s}",pusher_id="${p}"`;
    expect((await call('GET', '/metrics')).body).toMatch(
      new RegExp(String.raw`fustor_agent_events_pushed_total\{${labels}\} \d+`),
    );
  });

  it('a change of its configuration is marked, and applied when it is asked for', async () => {
    await start();
    const { body } = await call('GET', `/configs/pushers/${p}`);
    expect((await call('PUT', `/configs/pushers/${p}`, { config: { ...body.config, batch_size: 7 } })).status).toBe(
      200,
    );
    expect((await pipeline()).overall_status).toBe('MESSAGE_SYNC|RUNNING_CONF_OUTDATE');
    appendFileSync(join(folder, 'there'), 'more');
    await expect.poll(() => [...consumer.rows().values()].map((row) => row['size']), WITHIN).toContain(5);
    const { epoch } = (await pipeline()).sync_info;
    expect((await call('POST', '/instances/_actions/apply_changes')).body).toEqual({
      message: 'Initiated restart for 1 outdated sync tasks.',
    });
    await expect.poll(async () => (await pipeline()).sync_info.epoch, WITHIN).toBeGreaterThan(epoch);
    await reach('MESSAGE_SYNC');
  });

  it('another login is used once it is applied, and shown nowhere', async () => {
    await start();
    const { body } = await call('GET', `/configs/pushers/${p}`);
    await call('PUT', `/configs/pushers/${p}`, { config: { ...body.config, credential: { key: 'k3y-the-second' } } });
    await call('POST', '/instances/_actions/apply_changes');
    await reach('MESSAGE_SYNC');
    await expect.poll(() => consumer.calls.at(-1)?.headers['x-api-key'], WITHIN).toBe('k3y-the-second');
    const shown = await Promise.all(
      ['/configs', '/instances/status', '/logs', '/metrics'].map(async (path) => (await call('GET', path)).body),
    );
    const logs = [programs.api.log, programs.agent.log, programs.operator.log];
    expect(JSON.stringify([shown, logs])).not.toContain('k3y-the');
  });

  it('what the consumer needs and what the source has can be asked for', async () => {
    await configure();
    const needed = await call('GET', `/configs/pushers/${p}/_actions/get_needed_fields`);
    expect(needed).toMatchObject({ status: 200, body: { properties: expect.any(Object) as object } });
    const loaded = await call('POST', '/configs/syncs/_actions/load_fields_for_mapping', {
      source_id: s,
      pusher_id: p,
    });
    expect(loaded.body).toEqual({
      source_schema: (await call('GET', `/configs/sources/${s}/_actions/get_available_fields`)).body,
      pusher_schema: needed.body,
    });
    expect(await call('POST', `/configs/sources/${s}/_actions/discover_and_cache_fields`)).toMatchObject({
      status: 200,
    });
    expect(await call('POST', '/drivers/sources/fs/_actions/test_connection', { uri: folder })).toMatchObject({
      status: 200,
      body: { success: true, message: '连接成功，路径有效且可读。' },
    });
  });

  it('it stops, starts, and is gone when its source is', async () => {
    await start();
    await call('POST', `/instances/syncs/${t}/_actions/stop`);
    await reach('STOPPED');
    expect((await call('GET', '/instances/syncs')).body).toEqual([]);
    writeFileSync(join(folder, 'meanwhile'), 'z');
    await call('POST', `/instances/syncs/${t}/_actions/start`);
    await expect.poll(known, WITHIN).toEqual(['meanwhile', 'there']);
    expect((await call('DELETE', `/configs/sources/${s}`)).status).toBe(204);
    expect((await call('GET', '/configs')).body).toMatchObject({ sources: {}, syncs: {} });
    expect((await call('GET', '/instances/status')).body.pipelines).toEqual([]);
    // Its agent has let it go as well: the same id is free again.
    const source = { driver: 'fs', uri: folder, credential: { user: 'fs-user' } };
    await expect
      .poll(async () => (await call('POST', `/configs/sources/${s}`, { config: source })).status, WITHIN)
      .toBe(201);
    expect(consumer.violations).toEqual([]);
  });
});
