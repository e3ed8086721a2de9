import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { deployTasks } from '../../kube/resource.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import type { Answer } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { TaskView } from '../tasks/task-view.ts';
import type { DistributeAnswer } from './distribute-file.ts';
import type { FileView } from './file-view.ts';

const NOT_FOUND = { status: 404, body: { error: 'file not found', code: 'FileNotFound' } };
const CONTENT = 'Hello World, 你好';

describe.skipIf(!hasCluster())('the routes of files', () => {
  let api: ApiUnderTest;
  let file: FileView;
  let contents = 0;

  async function upload(name: string, content: string, type = 'text/plain'): Promise<Answer<FileView>> {
    const form = new FormData();
    form.append('file', new Blob([content], { type }), name);
    const response = await fetch(`${api.url}/api/v1/files`, { method: 'POST', body: form });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as FileView,
    };
  }

  const download = (id: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${api.url}/api/v1/files/${id}/download`, init);

  const createTask = (body: object): Promise<Answer<TaskView>> =>
    api.call<TaskView>('POST', '/api/v1/tasks', { agent_id: 'a1', type: 'shell', command: 'cat', ...body });

  const distribute = (id: string, body: object): Promise<Answer<DistributeAnswer>> =>
    api.call<DistributeAnswer>('POST', `/api/v1/files/${id}/distribute`, body);

  beforeAll(async () => {
    api = await ApiUnderTest.start(await sharedCluster());
    await api.addAgent('a1', { taskTypes: ['shell', 'file'] });
    await api.addAgent('a2', { taskTypes: ['shell', 'file'] });
    await api.addAgent('old', { taskTypes: ['shell'] });
    await api.addAgent('off');
    await api.setOnline('off', false);
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());
  beforeEach(async () => {
    file = (await upload('a b.txt', `${CONTENT}${(contents += 1)}`)).body;
  });

  it('take an upload and show it', async () => {
    const { status, headers, body } = await upload('数据.sql', 'select 1;', 'application/sql');
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/v1/files/${body.id}`);
    expect(body).toMatchObject({ name: '数据.sql', size: 9, content_type: 'application/sql' });
    expect(await api.call('GET', `/api/v1/files/${body.id}`)).toMatchObject({ status: 200, body });
    expect((await upload('other', 'select 1;')).body).toEqual(body);
  });

  it('list files newest first, page by page', async () => {
    const { headers, body } = await api.call<FileView[]>('GET', '/api/v1/files?limit=2');
    expect(body).toHaveLength(2);
    expect(body[0]).toEqual(file);
    const total = Number(headers.get('x-total-count'));
    expect(total).toBeGreaterThanOrEqual(3);
    const rest = await api.call<FileView[]>('GET', '/api/v1/files?offset=2');
    expect(rest.body).toHaveLength(total - 2);
    expect((await api.call('GET', '/api/v1/files?limit=0')).body).toEqual([]);
    for (const query of ['limit=-1', 'limit=x', 'offset=-1'])
      expect(await api.call('GET', `/api/v1/files?${query}`)).toMatchObject({ status: 400 });
  });

  it('send the bytes under their name, and nothing that a browser would run', async () => {
    const content = '<script>alert(1)</script>';
    const { body } = await upload('你好 "x".html', content, 'text/html');
    const response = await download(body.id);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(content);
    const sha256 = createHash('sha256').update(content).digest('hex');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/html',
      'content-length': String(content.length),
      'content-disposition': `attachment; filename="?? \\"x\\".html"; filename*=UTF-8''%E4%BD%A0%E5%A5%BD%20%22x%22.html`,
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      etag: `"${sha256}"`,
      'x-content-sha256': sha256,
      'accept-ranges': 'bytes',
    });
  });

  it('send what the store holds to the last byte, and the headers alone for HEAD', async () => {
    const text = `${CONTENT}${contents}`;
    expect(await (await download(file.id)).text()).toBe(text);
    const head = await download(file.id, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
    expect(await head.text()).toBe('');
    const empty = await upload('empty', '');
    const response = await download(empty.body.id, { headers: { range: 'bytes=0-' } });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it.each([
    ['bytes=0-4', 206, 'bytes 0-4/22', 'Hello'],
    ['bytes=6-', 206, 'bytes 6-21/22', 'World, 012345678'],
    ['bytes=-3', 206, 'bytes 19-21/22', '678'],
    ['bytes=20-999', 206, 'bytes 20-21/22', '78'],
    ['bytes=0-0,21-21', 200, null, 'Hello World, 012345678'],
    ['bytes=x-y', 200, null, 'Hello World, 012345678'],
    ['lines=0-4', 200, null, 'Hello World, 012345678'],
  ])('answer the range %s with %i', async (range, status, contentRange, text) => {
    const { id } = (await upload('r', 'Hello World, 012345678')).body;
    const response = await download(id, { headers: { range } });
    expect([response.status, response.headers.get('content-range'), await response.text()]).toEqual([
      status,
      contentRange,
      text,
    ]);
  });

  it('refuse a range beyond the end, and know the version of a part', async () => {
    const beyond = await download(file.id, { headers: { range: 'bytes=1000-' } });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get('content-range')).toBe(`bytes */${file.size}`);
    expect(await beyond.json()).toMatchObject({ code: 'RangeNotSatisfiable' });
    const etag = (await download(file.id)).headers.get('etag') ?? '';
    const range = 'bytes=0-1';
    expect((await download(file.id, { headers: { range, 'if-range': etag } })).status).toBe(206);
    expect((await download(file.id, { headers: { range, 'if-range': '"other"' } })).status).toBe(200);
    expect((await download(file.id, { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  it('say so before the first byte when the bytes cannot be read', async () => {
    await rm(file.path);
    expect((await download(file.id)).status).toBe(500);
    await api.call('DELETE', `/api/v1/files/${file.id}`);
  });

  it('delete a file', async () => {
    expect(await api.call('DELETE', `/api/v1/files/${file.id}`)).toMatchObject({
      status: 200,
      body: { message: 'file deleted' },
    });
    expect(await api.call('GET', `/api/v1/files/${file.id}`)).toMatchObject(NOT_FOUND);
    expect((await download(file.id)).status).toBe(404);
  });

  it.each(['nothing', 'file-01', '..%2f..%2fetc%2fpasswd', 'a%00b', 'x'.repeat(300)])(
    'answer 404 for the id %s',
    async (id) => {
      for (const [method, path, body] of [
        ['GET', '', undefined],
        ['DELETE', '', undefined],
        ['GET', '/download', undefined],
        ['POST', '/distribute', { agent_ids: ['a1'] }],
      ] as const)
        expect(await api.call(method, `/api/v1/files/${id}${path}`, body), method + path).toMatchObject(NOT_FOUND);
    },
  );

  it('refuse other methods', async () => {
    for (const path of ['', `/${file.id}`, `/${file.id}/download`, `/${file.id}/distribute`])
      expect(await api.call('PUT', `/api/v1/files${path}`, {})).toMatchObject({
        status: 405,
        body: { code: 'MethodNotAllowed' },
      });
  });

  describe('with tasks', () => {
    it('refuse a task whose file there is not', async () => {
      expect(await createTask({ file_id: 'file-nothing' })).toMatchObject(NOT_FOUND);
      const headers = { 'Idempotency-Key': `with-${file.id}` };
      const body = { agent_id: 'a1', type: 'shell', command: 'x', file_id: 'file-nothing' };
      expect(await api.call('POST', '/api/v1/tasks', body, headers)).toMatchObject(NOT_FOUND);
      // The key may be used again: nothing was created.
      const corrected = await api.call('POST', '/api/v1/tasks', { ...body, file_id: file.id }, headers);
      expect(corrected).toMatchObject({ status: 201, body: { file_id: file.id } });
    });

    it('keep a file while a task that has not ended names it', async () => {
      const { body: task } = await createTask({ file_id: file.id });
      // At once: not even the informer has seen the task.
      expect(await api.call('DELETE', `/api/v1/files/${file.id}`)).toMatchObject({
        status: 409,
        body: { code: 'FileInUse' },
      });
      await expect
        .poll(() => api.call('DELETE', `/api/v1/files/${file.id}`))
        .toMatchObject({
          status: 409,
          body: { error: `the file is used by task ${task.id}, which has not ended`, code: 'FileInUse' },
        });
      await api.run(task.id, 'a1');
      await api.finish(task.id, 'Succeeded');
      await expect.poll(() => api.call('DELETE', `/api/v1/files/${file.id}`)).toMatchObject({ status: 200 });
      expect((await api.call<TaskView>('GET', `/api/v1/tasks/${task.id}`)).body.file_id).toBe(file.id);
    });

    it('lose none when a task is created while its file is deleted', async () => {
      for (let round = 0; round < 10; round += 1) {
        const { id } = (await upload('raced', `raced ${round}`)).body;
        const [created, deleted] = await Promise.all([
          createTask({ file_id: id }),
          api.call('DELETE', `/api/v1/files/${id}`),
        ]);
        expect([`${created.status} ${deleted.status}`]).toEqual([expect.stringMatching(/^(201 409|404 200)$/)]);
      }
    });
  });

  describe('distribute a file', () => {
    it('by one task for each agent that is online, and say which get none', async () => {
      const ids = ['a1', 'off', 'a2', 'nobody', 'old', 'a1'];
      const { status, body } = await distribute(file.id, { agent_ids: ids, path: '/opt/x y.txt' });
      expect(status).toBe(200);
      expect(body).toEqual({
        message: 'file distribution started',
        tasks: ['a1', 'a2'].map((agent_id) => ({
          agent_id,
          task_id: expect.stringMatching(/^task-[0-9a-z]{26}$/) as string,
        })),
        skipped: [
          { agent_id: 'off', error: 'agent not found' },
          { agent_id: 'nobody', error: 'agent not found' },
          { agent_id: 'old', error: 'unsupported task type' },
        ],
      });
      const { spec } = await api.task(body.tasks[0]?.task_id ?? '');
      expect(spec).toMatchObject({
        agent: 'a1',
        type: 'file',
        fileId: file.id,
        params: { operation: 'distribute', target_path: '/opt/x y.txt' },
      });
      const second = await distribute(file.id, { agent_ids: ['a2'], path: '' });
      expect((await api.task(second.body.tasks[0]?.task_id ?? '')).spec.params).toEqual({ operation: 'distribute' });
    });

    it('to nobody when no agent is online', async () => {
      const before = (await api.client.list(deployTasks, api.namespace)).items.length;
      expect(await distribute(file.id, { agent_ids: ['off', 'nobody'] })).toMatchObject({
        status: 404,
        body: { error: 'agent not found', code: 'AgentNotFound' },
      });
      for (const body of [
        {},
        { agent_ids: [] },
        { agent_ids: 'a1' },
        { agent_ids: [''] },
        { agent_ids: ['a1'], path: 5 },
      ])
        expect(await distribute(file.id, body), JSON.stringify(body)).toMatchObject({ status: 400 });
      expect(await distribute(file.id, { agent_ids: ['a1'], path: 'a\0b' })).toMatchObject({ status: 400 });
      expect((await api.client.list(deployTasks, api.namespace)).items).toHaveLength(before);
    });
  });

  it('count files for Prometheus', async () => {
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    expect(metrics).toMatch(/^tiangong_files [1-9]/m);
    expect(metrics).toMatch(/^tiangong_files_bytes [1-9]/m);
    expect(metrics).toContain('method="POST",route="/api/v1/files/",status="201"');
  });
});
