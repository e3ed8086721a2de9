import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { SourceError } from '../../source.ts';
import { actions } from './actions.ts';
import { fsDriver } from './index.ts';
import { readSettings } from './settings.ts';

const { signal } = new AbortController();
const input = (uri: string | undefined, driverParams = {}) => ({
  ...(uri !== undefined && { uri }),
  ...{ adminCreds: undefined, credential: undefined, driverParams },
});

describe('the actions of fs', () => {
  it('say in the words of the original what is right and what is not', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const test = actions.test_connection!;
    expect(await test(input(folder), signal)).toEqual({ success: true, message: '连接成功，路径有效且可读。' });
    const missing = join(folder, 'missing');
    expect(await test(input(missing), signal)).toEqual({ success: false, message: `路径不存在: ${missing}` });
    expect(await test(input(file), signal)).toEqual({ success: false, message: `路径不是一个目录: ${file}` });
    expect(await test(input(join(file, 'below')), signal)).toMatchObject({ success: false });
    expect(await test(input(undefined), signal)).toEqual({ success: false, message: "缺少 'uri' 参数" });
    expect(await actions.check_privileges!(input(folder), signal)).toEqual({
      success: true,
      message: `权限充足：当前用户 '${userInfo().username}' 可以监控该目录。`,
    });
    expect(await actions.check_privileges!(input(missing), signal)).toMatchObject({ success: false });
  });

  it('tell nothing of what the agent keeps from tasks', async () => {
    const closed = {
      ...input('/nowhere/closed'),
      mayRead: (path: string) => Promise.resolve(!path.startsWith('/nowhere')),
    };
    for (const action of [actions.test_connection!, actions.check_privileges!])
      expect(await action(closed, signal)).toEqual({ success: false, message: '没有读取权限: /nowhere/closed' });
  });

  it('find the four fields', async () => {
    const { message, fields } = await actions.discover_fields_no_cache!(input('/'), signal);
    expect(message).toBe('成功发现 4 个可用字段。');
    expect(Object.entries(fields?.properties ?? {}).map(([name, field]) => [name, field.column_index])).toEqual([
      ['file_path', 0],
      ['size', 1],
      ['modified_time', 2],
      ['created_time', 3],
    ]);
  });

  it('name a setting that cannot be', async () => {
    expect(await actions.test_connection!(input('/tmp', { max_sync_delay_seconds: 0 }), signal)).toMatchObject({
      success: false,
      message: expect.stringContaining('max_sync_delay_seconds'),
    });
  });
});

describe('readSettings', () => {
  it.each([
    ['relative', {}],
    ['', {}],
    ['/tmp', { max_sync_delay_seconds: '1' }],
    ['/tmp', { max_sync_delay_seconds: Number.NaN }],
    ['/tmp', { max_sync_delay_seconds: 100_000 }],
    ['/tmp', { file_pattern: '' }],
    ['/tmp', { file_pattern: 3 }],
    ['/tmp', { startup_mode: true }],
  ])('refuses %j with %j', (uri, driverParams) => {
    expect(() => readSettings({ uri, driverParams })).toThrow(SourceError);
  });

  it('takes the defaults and the hidden parameters of the original', () => {
    const defaults = { max_sync_delay_seconds: 1, min_monitoring_window_days: 30, aged_interval: 0.5 };
    const settings = { root: '/a/b', filePattern: '*', maxSyncDelayMs: 1000 };
    expect(readSettings({ uri: '/a//x/../b/', driverParams: {} })).toEqual(settings);
    expect(readSettings({ uri: '/a/b', driverParams: defaults })).toEqual(settings);
    expect(readSettings({ uri: '/', driverParams: { startup_mode: 'message-only' } })).toMatchObject({ root: '/' });
  });
});

describe('the signature of fs', () => {
  it('is of one folder and one SyncTask, however it is configured', () => {
    const config = {
      ...{ id: 'a', driver: 'fs', uri: '/a', credential: undefined, driverParams: {} },
      ...{ maxQueueSize: 1, maxRetries: 1, retryDelayMs: 1 },
    };
    const signature = fsDriver.signature(config, 'uid');
    expect(fsDriver.signature({ ...config, driverParams: { file_pattern: 'x' } }, 'uid')).toBe(signature);
    expect(fsDriver.signature({ ...config, uri: '/a/' }, 'uid')).toBe(signature);
    expect(fsDriver.signature(config, 'other')).not.toBe(signature);
  });
});
