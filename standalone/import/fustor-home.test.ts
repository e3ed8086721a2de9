import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readFustorHome } from './fustor-home.ts';

describe('The folder of Fustor Agent', () => {
  let folder: string;
  const write = (text: string): Promise<void> => writeFile(join(folder, 'config.yaml'), text);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tiangong-fustor-'));
    await mkdir(join(folder, 'schemas'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('gives bodies for the REST API, sources and pushers before syncs', async () => {
    await write(`
pushers:
  p1: {batch_size: 50, credential: {key: k}, disabled: false, driver: openapi, endpoint: 'http://c/openapi.json', max_retries: 10, retry_delay_sec: 5}
sources:
  s1:
    credential: {user: fs-user}
    disabled: false
    driver: fs
    driver_params: {aged_interval: 0.5, max_sync_delay_seconds: 1.0}
    max_queue_size: 1000
    uri: /data
syncs:
  t1:
    disabled: true
    fields_mapping:
    - required: false
      source: ['file_path:0']
      to: events.path
    pusher: p1
    source: s1
`);
    const { configs, warnings } = await readFustorHome(folder);
    expect(warnings).toEqual([]);
    expect(configs).toEqual([
      {
        kind: 'sources',
        id: 's1',
        isEnabled: true,
        body: {
          config: {
            driver: 'fs',
            uri: '/data',
            max_queue_size: 1000,
            disabled: false,
            driver_params: { aged_interval: 0.5, max_sync_delay_seconds: 1 },
            credential: { user: 'fs-user' },
          },
        },
      },
      {
        kind: 'pushers',
        id: 'p1',
        isEnabled: true,
        body: {
          config: {
            driver: 'openapi',
            endpoint: 'http://c/openapi.json',
            batch_size: 50,
            max_retries: 10,
            retry_delay_sec: 5,
            disabled: false,
            credential: { key: 'k' },
          },
        },
      },
      {
        kind: 'syncs',
        id: 't1',
        isEnabled: false,
        body: {
          source: 's1',
          pusher: 'p1',
          disabled: true,
          fields_mapping: [{ required: false, source: ['file_path:0'], to: 'events.path' }],
        },
      },
    ]);
  });

  it('holds texts that look like something else', async () => {
    await write(
      `sources: {y: {driver: mysql, uri: 12:30, credential: {user: 1e3, passwd: 0x1F}}, 007: {driver: fs, uri: true}}`,
    );
    const { configs } = await readFustorHome(folder);
    expect(configs).toMatchObject([
      { id: 'y', body: { config: { uri: '12:30', credential: { user: '1e3', passwd: '0x1F' } } } },
      { id: '007', body: { config: { driver: 'fs', uri: 'true' } } },
    ]);
  });

  it('has discovered fields where they are marked as valid', async () => {
    await write(
      'sources: {a: {driver: mysql, uri: x}, b: {driver: mysql, uri: x}, c: {driver: mysql, uri: x}, ../d: {driver: mysql, uri: x}}',
    );
    const fields = { properties: { 'd.t.id': { type: 'string', column_index: 0 } } };
    for (const id of ['a', 'b'])
      await writeFile(join(folder, 'schemas', `source_${id}.schema.json`), JSON.stringify(fields));
    await writeFile(join(folder, 'schemas', 'source_c.schema.json'), '{');
    for (const id of ['a', 'c']) await writeFile(join(folder, 'schemas', `source_${id}.valid`), '');
    const { configs, warnings } = await readFustorHome(folder);
    expect(configs.map(({ body }) => body['discovered_fields'])).toEqual([fields, undefined, undefined, undefined]);
    expect(warnings).toEqual([expect.stringContaining('sources/c: its discovered fields cannot be read')]);
  });

  it('is told of where something is not taken over', async () => {
    await write(`
sources: {bad: {driver: invalid-config, uri: ''}, text: hello}
syncs: {t: {source: s, pusher: p, audit_interval_sec: 600}}
`);
    const { configs, warnings } = await readFustorHome(folder);
    expect(configs.map(({ id }) => id)).toEqual(['t']);
    expect(warnings).toEqual([
      'sources/bad is one that Fustor Agent itself could not read',
      'sources/text is no configuration',
      'syncs/t: audit_interval_sec is not taken over',
    ]);
  });

  it('must hold a configuration, and no error shows what stands in it', async () => {
    await expect(readFustorHome(folder)).rejects.toThrow('config.yaml cannot be read: ENOENT');
    await write('a: [hunter2\nb: "hunter2');
    const error = await readFustorHome(folder).catch((err: unknown) => err as Error);
    expect(error).toMatchObject({
      name: 'StartError',
      message: expect.stringMatching(/cannot be read: .* in line \d/) as string,
    });
    expect((error as Error).message).not.toContain('hunter2');
    await write('- a');
    await expect(readFustorHome(folder)).rejects.toThrow('holds no configuration');
    await write('');
    expect(await readFustorHome(folder)).toEqual({ configs: [], warnings: [] });
  });
});
