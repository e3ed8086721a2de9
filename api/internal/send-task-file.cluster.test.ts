import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks } from '../../kube/resource.ts';
import { partsOf } from '../../store/conformance/parts-of.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';

describe.skipIf(!hasCluster())('GET /internal/tasks/{uid}/file', () => {
  let api: ApiUnderTest;
  let cluster: SharedCluster;
  let fileId: string;

  /** A running task on the agent `local` that came by kubectl, so that its file may be any. */
  async function taskWith(spec: { fileId?: string }): Promise<string> {
    const { metadata } = await cluster.client.create(deployTasks, cluster.namespace, {
      metadata: { generateName: 'file-test-' },
      spec: { agent: 'local', type: 'shell', command: 'x', ...spec },
    });
    await api.run(metadata.name, 'local');
    return metadata.uid ?? '';
  }

  const ask = (uid: string, init: { method?: string; agent?: string; range?: string } = {}): Promise<Response> =>
    fetch(`${api.url}/internal/tasks/${uid}/file`, {
      method: init.method ?? 'GET',
      headers: {
        authorization: `Bearer ${cluster.tokenFor(`agent/${init.agent ?? 'local'}`)}`,
        ...(init.range !== undefined && { range: init.range }),
      },
    });

  beforeAll(async () => {
    cluster = await sharedCluster();
    api = await ApiUnderTest.start(cluster);
    await api.addAgent('local');
    await vi.waitUntil(() => api.api.isReady);
    const file = { name: '数据 1.sql', contentType: 'text/html' };
    fileId = (await (await api.store.files.receive(file, partsOf('Hello World'))).commit()).record.id;
  });
  afterAll(() => api?.stop());

  it('sends the bytes with their digest and name', async () => {
    const response = await ask(await taskWith({ fileId }));
    expect([response.status, await response.text()]).toEqual([200, 'Hello World']);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-length': '11',
      'content-type': 'application/octet-stream',
      'x-content-sha256': createHash('sha256').update('Hello World').digest('hex'),
      'x-file-name': '%E6%95%B0%E6%8D%AE%201.sql',
    });
  });

  it('sends the rest from a position on, and headers alone for HEAD', async () => {
    const uid = await taskWith({ fileId });
    const rest = await ask(uid, { range: 'bytes=6-' });
    expect([rest.status, rest.headers.get('content-range'), await rest.text()]).toEqual([
      206,
      'bytes 6-10/11',
      'World',
    ]);
    const head = await ask(uid, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '11', '']);
    expect((await ask(uid, { range: 'bytes=11-' })).status).toBe(416);
  });

  it('says which file there is not', async () => {
    const response = await ask(await taskWith({ fileId: 'file-nothing' }));
    expect([response.status, await response.json()]).toEqual([
      404,
      { error: 'file not found: file-nothing', code: 'FileNotFound' },
    ]);
    expect((await ask(await taskWith({}))).status).toBe(404);
  });

  it('sends a file only to the agent whose task names it', async () => {
    const uid = await taskWith({ fileId });
    const other = await ask(uid, { agent: 'agent-1' });
    expect([other.status, await other.json()]).toMatchObject([403, { code: 'NotAssigned' }]);
    expect((await fetch(`${api.url}/internal/tasks/${uid}/file`)).status).toBe(401);
    expect((await ask(uid, { method: 'PUT' })).status).toBe(405);
  });
});
