import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { syncTasks } from '../../kube/resource.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import { importFustor } from './import-fustor.ts';

const CONFIG = `
pushers:
  my pusher: {credential: {key: key-of-the-pusher}, disabled: false, driver: echo, endpoint: 'http://c'}
sources:
  s1: {credential: {user: u, passwd: hunter2}, disabled: false, driver: mysql, uri: 'h:3306'}
syncs:
  t1: {source: s1, pusher: my pusher, disabled: false}
  t2: {source: s1, pusher: my pusher}
`;

describe.skipIf(!hasCluster())('tiangong import fustor', () => {
  let api: ApiUnderTest;
  let folder: string;

  async function run(
    options: { dryRun?: boolean; start?: boolean; url?: string } = {},
  ): Promise<{ ok: boolean; text: string }> {
    const lines: string[] = [];
    const print = (line: string): void => void lines.push(line);
    const ok = await importFustor({ folder, url: api.url, dryRun: false, start: false, print, ...options });
    return { ok, text: lines.join('') };
  }

  beforeEach(async () => {
    api = await ApiUnderTest.start(await sharedCluster());
    folder = await mkdtemp(join(tmpdir(), 'tiangong-fustor-'));
    await mkdir(join(folder, 'schemas'));
    await writeFile(join(folder, 'config.yaml'), CONFIG);
    const fields = { properties: { 'd.t.id': { type: 'string' } } };
    await writeFile(join(folder, 'schemas/source_s1.schema.json'), JSON.stringify(fields));
    await writeFile(join(folder, 'schemas/source_s1.valid'), '');
    await vi.waitUntil(() => api.api.isReady);
  });
  afterEach(async () => {
    await api?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  it('takes everything over, as often as it is run, and starts it when it is told to', async () => {
    expect(await run({ dryRun: true })).toEqual({
      ok: true,
      text: '  +  sources/s1\n  +  pushers/my pusher\n  +  syncs/t1\n  +  syncs/t2 (disabled)\n',
    });
    expect((await api.call('GET', '/api/configs')).body).toEqual({ sources: {}, pushers: {}, syncs: {} });

    const first = await run();
    expect(first).toMatchObject({
      ok: true,
      text: expect.stringContaining('4 added, 0 there before, 0 failed.') as string,
    });
    expect(first.text).toContain('To start what is enabled (t1)');
    expect(first.text).not.toMatch(/hunter2|key-of-the-pusher/);
    expect((await api.call('GET', '/api/configs')).body).toMatchObject({
      sources: { s1: { uri: 'h:3306', disabled: false, credential: { user: 'u', passwd: '***' } } },
      pushers: { 'my pusher': { driver: 'echo', credential: { key: '***' } } },
      syncs: { t1: { source: 's1', pusher: 'my pusher', disabled: false }, t2: { disabled: true } },
    });
    expect((await api.call('GET', '/api/configs/sources/s1/_actions/get_available_fields')).body).toHaveProperty(
      'properties',
    );

    const again = await run({ start: true });
    expect(again).toMatchObject({
      ok: true,
      text: expect.stringContaining('0 added, 4 there before, 0 failed.') as string,
    });
    expect(again.text).toContain('syncs/t1 is started');
    const { items } = await api.client.list(syncTasks, api.namespace);
    expect(items.map(({ metadata, spec }) => [metadata.name, spec.desiredState])).toEqual([
      ['t1', 'Running'],
      ['t2', 'Stopped'],
    ]);
  });

  it('says what it could not take over, and goes on', async () => {
    await writeFile(
      join(folder, 'config.yaml'),
      'sources: {x: {driver: fs, uri: /x, max_retries: 0}, y: {driver: fs, uri: /y}}',
    );
    expect(await run()).toEqual({
      ok: false,
      text: '  x  sources/x: max_retries must be positive\n  +  sources/y\n1 added, 0 there before, 1 failed.\n',
    });
  });

  it('says so when there is no API', async () => {
    await expect(run({ url: 'http://127.0.0.1:1' })).rejects.toThrow(
      'the REST API at http://127.0.0.1:1 cannot be reached',
    );
  });
});
