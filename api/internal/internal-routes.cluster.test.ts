import { createHash } from 'node:crypto';
import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { secrets } from '../../kube/resource.ts';
import type { Secret } from '../../kube/resource.ts';
import { storeRef } from '../../kube/task-state.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import type { Answer } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import type { LogLineView } from '../tasks/task-log.ts';
import type { TaskView } from '../tasks/task-view.ts';

interface ChunkAnswer {
  next: number;
  code?: string;
}

const lineText = (id: number, level = 'info'): string =>
  `${JSON.stringify({ id, level, timestamp: '2026-01-01T00:00:00.000Z', message: `line ${id}` })}\n`;
const linesText = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => lineText(from + index)).join('');

describe.skipIf(!hasCluster())('what agents send and ask for', () => {
  let api: ApiUnderTest;
  let cluster: SharedCluster;
  const tokenOf = (user: string): Record<string, string> => ({ authorization: `Bearer ${cluster.tokenFor(user)}` });

  async function runningTask(body: object = {}): Promise<{ id: string; uid: string; path: string }> {
    const answer = await api.call<TaskView>('POST', '/api/v1/tasks', {
      agent_id: 'local',
      type: 'shell',
      command: 'x',
      ...body,
    });
    const { id } = answer.body;
    const { metadata } = await api.run(id, 'local');
    const uid = metadata.uid ?? '';
    return { id, uid, path: `/internal/tasks/${uid}/1` };
  }

  async function put(
    path: string,
    text: string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<Answer<ChunkAnswer>> {
    const bytes = Buffer.from(text);
    const response = await fetch(api.url + path, {
      method: 'PUT',
      body: bytes,
      headers: {
        ...tokenOf('agent/local'),
        'x-content-sha256': createHash('sha256').update(bytes).digest('hex'),
        ...headers,
      },
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as ChunkAnswer };
  }

  beforeAll(async () => {
    cluster = await sharedCluster();
    api = await ApiUnderTest.start(cluster);
    await api.addAgent('local');
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('takes chunks in order, knows repeated ones and says which comes next', async () => {
    const { path } = await runningTask();
    const state = (): Promise<Answer> => api.call('GET', `${path}/result`, undefined, tokenOf('agent/local'));
    expect((await state()).body).toEqual({ next: 0, complete: false, bytes: 0 });
    expect(await put(`${path}/result/0`, 'Hello ')).toMatchObject({ status: 200, body: { next: 1 } });
    expect(await put(`${path}/result/0`, 'Hello ')).toMatchObject({ status: 200, body: { next: 1 } });
    expect(await put(`${path}/result/2`, 'x')).toMatchObject({
      status: 409,
      body: { code: 'ChunkOutOfOrder', next: 1 },
    });
    expect(await put(`${path}/result/1`, 'x', { 'x-content-sha256': 'f'.repeat(64) })).toMatchObject({
      status: 400,
      body: { code: 'ChunkCorrupt' },
    });
    expect(await put(`${path}/result/1`, 'World', { 'x-final': 'true' })).toMatchObject({ body: { next: 2 } });
    expect((await state()).body).toEqual({ next: 2, complete: true, bytes: 11 });
    expect(await put(`${path}/result/2`, 'x')).toMatchObject({ status: 409, body: { code: 'StreamComplete' } });
  });

  it('refuses chunks of more than 1 MiB and log chunks that are not whole lines', async () => {
    const { path } = await runningTask();
    expect(await put(`${path}/result/0`, Buffer.alloc(1024 * 1024))).toMatchObject({ status: 200 });
    expect(await put(`${path}/result/1`, Buffer.alloc(1024 * 1024 + 1))).toMatchObject({ status: 413 });
    expect(await put(`${path}/log/0`, 'not lines')).toMatchObject({ status: 400, body: { code: 'ChunkInvalid' } });
    expect(await put(`${path}/log/x`, 'not lines')).toMatchObject({ status: 404 });
    expect(await put(`${path}/other/0`, 'x')).toMatchObject({ status: 404 });
  });

  it('lets nobody in but the agent that the task is assigned to, at its epoch', async () => {
    const { uid, path } = await runningTask();
    const get = (where: string, headers: Record<string, string>): Promise<Answer> =>
      api.call('GET', where, undefined, headers);
    expect(await get(`${path}/log`, {})).toMatchObject({ status: 401, body: { code: 'Unauthorized' } });
    expect(await get(`${path}/log`, { authorization: 'Bearer nonsense' })).toMatchObject({ status: 401 });
    expect(await get(`${path}/log`, tokenOf('operator'))).toMatchObject({ status: 401 });
    expect(await get(`${path}/log`, tokenOf('agent/agent-1'))).toMatchObject({
      status: 403,
      body: { code: 'NotAssigned' },
    });
    expect(await get(`/internal/tasks/${uid}/2/log`, tokenOf('agent/local'))).toMatchObject({ status: 403 });
    expect(await get(`/internal/tasks/${uid}x/1/log`, tokenOf('agent/local'))).toMatchObject({ status: 403 });
    expect(await get(`/internal/tasks/..%2f..%2fx/1/log`, tokenOf('agent/local'))).toMatchObject({ status: 403 });
    expect(await get(`${path}/log`, tokenOf('admin'))).toMatchObject({ status: 200 });
  });

  it('says 507 when the store is full, and takes the chunk when there is room again', async () => {
    const { path, uid } = await runningTask();
    const megabyte = Buffer.alloc(1024 * 1024);
    let n = 0;
    let answer = await put(`${path}/result/${n}`, megabyte);
    while (answer.status === 200) answer = await put(`${path}/result/${(n += 1)}`, megabyte);
    expect(answer).toMatchObject({ status: 507, body: { code: 'StoreFull' } });
    await api.store.streams.delete(uid);
    expect(await put(`${path}/result/0`, megabyte)).toMatchObject({ status: 200 });
  });

  it('shows the log of a running task, and follows it to its end', async () => {
    const { id, path } = await runningTask();
    await put(`${path}/log/0`, linesText(1, 3));
    const lines = async (query = ''): Promise<number[]> =>
      (await api.call<LogLineView[]>('GET', `/api/v1/tasks/${id}/logs${query}`)).body.map((line) => line.id);
    expect(await lines()).toEqual([1, 2, 3]);
    expect(await lines('?after=2')).toEqual([3]);
    expect(await lines('?limit=2')).toEqual([1, 2]);
    expect(await lines('?limit=0')).toEqual([]);

    const stream = await fetch(`${api.url}/api/v1/tasks/${id}/logs?follow=true&after=1`);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const part of stream.body ?? []) text += decoder.decode(part as Uint8Array, { stream: true });
    })();
    await vi.waitFor(() => expect(text).toContain('"line 3"'));
    await put(`${path}/log/1`, lineText(4, 'error'));
    await vi.waitFor(() => expect(text).toContain('"line 4"'));
    expect(await lines('?level=error')).toEqual([4]);
    const ref = storeRef('x', 1, 'log');
    await api.finish(id, 'Succeeded', {
      log: { total: 5, truncated: true, ref, lines: [{ id: 5, message: 'line 5' }] },
    });
    await put(`${path}/log/2`, lineText(5), { 'x-final': 'true' });
    await reading;
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(ids).toEqual([2, 3, 4, 5]);
    expect(text).toMatch(/event: end\ndata: \{"status":"success"\}\n\n$/);
  });

  it('shows a finished log of any length, from status and store together', async () => {
    const { id, path } = await runningTask();
    const total = 20_000;
    const log = {
      total,
      truncated: true,
      ref: 'x',
      lines: [
        { id: 1, level: 'info' as const, timestamp: '2026-01-01T00:00:00.000Z', message: 'line 1' },
        { id: total, message: `line ${total}` },
      ],
    };
    await api.finish(id, 'Failed', { log, error: 'command failed: exit status 1' });
    const ids = async (query: string): Promise<number[]> =>
      (await api.call<LogLineView[]>('GET', `/api/v1/tasks/${id}/logs${query}`)).body.map((line) => line.id);
    await vi.waitFor(async () => expect(await ids('')).toEqual([1, total]));
    for (let n = 0; n < 10; n += 1)
      await put(`${path}/log/${n}`, linesText(n * 2000 + 1, (n + 1) * 2000), n === 9 ? { 'x-final': 'true' } : {});
    expect(await ids('?limit=100000')).toEqual(Array.from({ length: total }, (_, index) => index + 1));
    expect((await ids('')).length).toBe(1000);
    expect(await ids(`?after=${total - 2}`)).toEqual([total - 1, total]);
    const { body } = await api.call<LogLineView[]>('GET', `/api/v1/tasks/${id}/logs?limit=1`);
    expect(body).toEqual([
      { id: 1, task_id: id, level: 'info', message: 'line 1', timestamp: '2026-01-01T00:00:00.000Z' },
    ]);
  });

  it('serves a large result whole, as text in the task and as bytes', async () => {
    const { id, path } = await runningTask();
    const bytes = Buffer.from('"äöü\\\n😀\0'.repeat(150_000));
    expect((await api.call('GET', `/api/v1/tasks/${id}/result`)).body).toMatchObject({ code: 'TaskNotFinished' });
    const result = { text: 'head…tail', bytes: bytes.length, truncated: true, ref: 'x' };
    await api.finish(id, 'Succeeded', { result });
    const get = async (): Promise<TaskView> => (await api.call<TaskView>('GET', `/api/v1/tasks/${id}`)).body;
    await vi.waitFor(async () => expect(await get()).toMatchObject({ result: 'head…tail', result_pending: true }));
    expect(await api.call('GET', `/api/v1/tasks/${id}/result`)).toMatchObject({
      status: 409,
      body: { code: 'ResultPending' },
    });
    const size = 500_001;
    for (let n = 0; n * size < bytes.length; n += 1) {
      const final: Record<string, string> = (n + 1) * size >= bytes.length ? { 'x-final': 'true' } : {};
      await put(`${path}/result/${n}`, bytes.subarray(n * size, (n + 1) * size), final);
    }
    const task = await get();
    expect(task.result_pending).toBeUndefined();
    expect(task.result === bytes.toString()).toBe(true);
    const raw = await fetch(`${api.url}/api/v1/tasks/${id}/result`);
    expect(raw.headers.get('content-length')).toBe(String(bytes.length));
    expect(Buffer.from(await raw.arrayBuffer()).equals(bytes)).toBe(true);
    const { body } = await api.call<TaskView[]>('GET', '/api/v1/tasks?limit=1');
    expect(body[0]).toMatchObject({ id, result: 'head…tail', result_truncated: true });
  });

  it('lets a synchronous create wait for the large result', async () => {
    const command = `big and sync ${ulid()}`;
    const answer = api.call<TaskView>('POST', '/api/v1/tasks', {
      agent_id: 'local',
      type: 'shell',
      command,
      sync: true,
    });
    const id = await vi.waitFor(async () => {
      const { body } = await api.call<TaskView[]>('GET', '/api/v1/tasks?limit=5');
      const found = body.find((task) => task.command === command);
      expect(found).toBeDefined();
      return found?.id ?? '';
    });
    const { metadata } = await api.run(id, 'local');
    await api.finish(id, 'Succeeded', { result: { text: 'h…t', bytes: 5, truncated: true, ref: 'x' } });
    await put(`/internal/tasks/${metadata.uid}/1/result/0`, 'whole', { 'x-final': 'true' });
    expect((await answer).body).toMatchObject({ status: 'success', result: 'whole' });
  });

  describe('credentials', () => {
    const params = {
      url: 'https://user:pass-in-url@example.com/x',
      headers: { 'X-Api-Key': 'key-in-header', Accept: 'text/plain' },
      token: 'token-in-params',
    };

    it('go to Secrets that the task owns, and are shown masked', async () => {
      const { id } = await runningTask({ type: 'api', command: 'GET', params });
      const task = await api.task(id);
      const all = await api.client.list(secrets, api.namespace, { labelSelector: `tiangong.io/task=${id}` });
      expect(all.items.map(({ metadata }) => metadata.name).sort()).toEqual([id, `${id}-params`]);
      expect(all.items.every(({ type }) => type === 'tiangong.io/credential')).toBe(true);
      for (const { metadata } of all.items) expect(metadata.ownerReferences?.[0]?.uid).toBe(task.metadata.uid);
      const { body } = await api.call<TaskView>('GET', `/api/v1/tasks/${id}`);
      expect(JSON.parse(body.params)).toEqual({
        url: 'https://***@example.com/x',
        headers: { 'X-Api-Key': '***', Accept: 'text/plain' },
        token: '***',
      });
      for (const text of [JSON.stringify(task), JSON.stringify(body), api.log.join('')])
        expect(text).not.toMatch(/pass-in-url|key-in-header|token-in-params/);
    });

    it('are given to the agent of the task, until it is known how it ended', async () => {
      const { id, uid } = await runningTask({ type: 'api', command: 'GET', params });
      const read = (ref: string, user = 'agent/local', epoch = 1): Promise<Answer> =>
        api.call('GET', `/internal/tasks/${uid}/secret?ref=${ref}&epoch=${epoch}`, undefined, tokenOf(user));
      expect(await read(id)).toMatchObject({
        status: 200,
        body: {
          data: {
            Authorization: `Basic ${Buffer.from('user:pass-in-url').toString('base64')}`,
            'X-Api-Key': 'key-in-header',
          },
          allowedHosts: null,
        },
      });
      expect((await read(`${id}-params`)).body).toMatchObject({ data: { token: 'token-in-params' } });
      expect(await read('other')).toMatchObject({ status: 403, body: { code: 'SecretNotAllowed' } });
      expect(await read(id, 'agent/local', 2)).toMatchObject({ status: 403, body: { code: 'NotAssigned' } });
      expect(await read(id, 'agent/agent-1')).toMatchObject({ status: 403, body: { code: 'NotAssigned' } });
      // Its agent may still find out on the server how it ended.
      await api.finish(id, 'Unknown');
      expect(await read(id)).toMatchObject({ status: 200 });
      await api.finish(id, 'Succeeded', { resolution: { by: 'local', evidence: 'the ledger' } });
      expect(await read(id)).toMatchObject({ status: 403 });
    });

    it('are of no use to another task that names them', async () => {
      const { id } = await runningTask({ type: 'api', command: 'GET', params });
      const thief = await runningTask({ params: { secret_ref: id } });
      const read = `/internal/tasks/${thief.uid}/secret?ref=${id}&epoch=1`;
      expect(await api.call('GET', read, undefined, tokenOf('agent/local'))).toMatchObject({
        status: 403,
        body: { code: 'SecretNotAllowed', error: expect.stringContaining('was made for another task') as string },
      });
    });

    it('may be a Secret of the caller, of the right type and with hosts that bound it', async () => {
      const secret = (name: string, type: string, annotations = {}): Promise<Secret> =>
        api.client.create(secrets, api.namespace, {
          metadata: { name, annotations },
          type,
          stringData: { password: 'own' },
        });
      const [own, opaque] = [`own-${ulid().toLowerCase()}`, `opaque-${ulid().toLowerCase()}`];
      await secret(own, 'tiangong.io/credential', { 'tiangong.io/allowed-hosts': 'a.example, b.example' });
      await secret(opaque, 'Opaque');
      const read = async (ref: string): Promise<Answer> => {
        const { uid } = await runningTask({ params: { secret_ref: ref } });
        return api.call('GET', `/internal/tasks/${uid}/secret?ref=${ref}&epoch=1`, undefined, tokenOf('agent/local'));
      };
      expect((await read(own)).body).toEqual({ data: { password: 'own' }, allowedHosts: ['a.example', 'b.example'] });
      expect(await read(opaque)).toMatchObject({ status: 403, body: { code: 'SecretNotAllowed' } });
      expect(await read('missing')).toMatchObject({ status: 404, body: { code: 'SecretNotFound' } });
    });

    it('leave no Secret behind when the task is refused', async () => {
      const body = { agent_id: 'local', type: 'shell', command: 'x', params: { password: 'p', cwd: 5 } };
      expect(await api.call('POST', '/api/v1/tasks', body)).toMatchObject({
        status: 400,
        body: { code: 'InvalidTask' },
      });
      const { items } = await api.client.list(secrets, api.namespace, { labelSelector: 'tiangong.io/task' });
      expect(items.filter(({ metadata }) => metadata.ownerReferences === undefined)).toEqual([]);
    });
  });
});
