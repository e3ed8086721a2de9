import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { KubeClient } from '../kube/client.ts';
import { deployTasks } from '../kube/resource.ts';
import { ApiUnderTest } from '../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { TaskView } from './tasks/task-view.ts';

describe.skipIf(!hasCluster())('Api', () => {
  let api: ApiUnderTest;

  beforeAll(async () => {
    api = await ApiUnderTest.start(await sharedCluster(), { corsOrigins: ['https://console.example'] });
    await api.addAgent('a1');
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('tells of itself', async () => {
    expect(await api.call('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await api.call('GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect((await api.call('GET', '/openapi.json')).body).toMatchObject({ openapi: '3.0.3' });
    const docs = await (await fetch(`${api.url}/docs`)).text();
    expect(docs).toContain('<code>/api/v1/tasks/{id}/logs</code>');
    expect(docs, 'loads nothing').not.toMatch(/src=|href="http|@import/);
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    expect(metrics).toContain(
      'tiangong_api_request_duration_seconds_count{method="GET",route="/healthz",status="200"}',
    );
    expect(metrics).toContain('tiangong_store_used_bytes');
  });

  describe('asked by a web page', () => {
    const body = { agent_id: 'a1', type: 'shell', command: 'x' };
    const post = (headers: Record<string, string>): Promise<{ status: number; headers: Headers }> =>
      api.call('POST', '/api/v1/tasks', body, headers);

    it('obeys listed origins and pages of this machine, no others', async () => {
      const listed = await post({ origin: 'https://console.example' });
      expect(listed.status).toBe(201);
      expect(listed.headers.get('access-control-allow-origin')).toBe('https://console.example');
      expect((await post({ origin: 'http://localhost:5173' })).status).toBe(201);
      expect((await post({ origin: 'https://evil.example' })).status).toBe(403);
      expect((await post({ origin: 'null' })).status).toBe(403);
    });

    it('answers preflights', async () => {
      const headers = { origin: 'https://console.example', 'access-control-request-method': 'POST' };
      const response = await fetch(`${api.url}/api/v1/tasks`, { method: 'OPTIONS', headers });
      expect(response.status).toBe(204);
      expect(response.headers.get('access-control-allow-headers')).toContain('Idempotency-Key');
    });

    it('does not answer to another name that leads to loopback', async () => {
      const { port } = new URL(api.url);
      const status = await new Promise((resolve) => {
        const headers = { host: 'evil.example' };
        request({ port, path: '/api/v1/tasks', headers }, (response) => resolve(response.resume().statusCode)).end();
      });
      expect(status).toBe(403);
    });
  });

  it('answers waiting requests when it is closed, and is not ready any more', async () => {
    const other = await ApiUnderTest.start(await sharedCluster());
    await other.addAgent('a1');
    const answer = other.call<TaskView>('POST', '/api/v1/tasks', {
      agent_id: 'a1',
      type: 'shell',
      command: 'x',
      sync: true,
      timeout: 300,
    });
    await vi.waitFor(async () => {
      const { items } = await other.client.list(deployTasks, other.namespace);
      expect(items).toHaveLength(1);
    });
    const stopped = other.stop();
    expect((await answer).body).toMatchObject({
      status: 'pending',
      error: expect.stringMatching(/shutting down/) as string,
    });
    await stopped;
  });

  it('says 503 when the Kubernetes API cannot be reached, and is alive but not ready', async () => {
    const unreachable = new KubeClient({
      send: () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })),
      close: () => Promise.resolve(),
    });
    const cluster = { ...(await sharedCluster()), client: unreachable };
    const alone = await ApiUnderTest.start(cluster);
    const unavailable = { status: 503, body: { code: 'KubernetesUnavailable' } };
    expect(await alone.call('GET', '/api/v1/tasks/task-x')).toMatchObject(unavailable);
    expect(await alone.call('POST', '/api/v1/tasks', { agent_id: 'a1', type: 'shell', command: 'x' })).toMatchObject(
      unavailable,
    );
    expect(await alone.call('GET', '/api/v1/tasks')).toMatchObject({ status: 503, body: { code: 'NotReady' } });
    expect(await alone.call('GET', '/readyz')).toMatchObject({ status: 503 });
    expect(await alone.call('GET', '/healthz')).toMatchObject({ status: 200 });
    await alone.stop();
  });
});
