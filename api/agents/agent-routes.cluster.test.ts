import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { leases } from '../../kube/resource.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { AgentView } from './agent-view.ts';

describe.skipIf(!hasCluster())('the routes of agents', () => {
  let api: ApiUnderTest;
  const renewTime = '2026-01-01T00:00:00.000000Z';

  beforeAll(async () => {
    api = await ApiUnderTest.start(await sharedCluster());
    await api.client.create(leases, api.namespace, {
      metadata: { name: 'a1' },
      spec: { holderIdentity: 'x', leaseDurationSeconds: 25, renewTime },
    });
    await api.addAgent('a1', { hostname: 'host', ip: '10.0.0.1', version: '0.1.0', env: 'prod', os: 'linux/x64' });
    await api.addAgent('b1');
    await api.setOnline('b1', false);
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('show agents in the shape of the manual', async () => {
    const { status, body } = await api.call<AgentView[]>('GET', '/api/v1/agents');
    expect(status).toBe(200);
    expect(body.map(({ id }) => id)).toEqual(['a1', 'b1']);
    expect(body[0]).toMatchObject({
      id: 'a1',
      name: 'a1',
      hostname: 'host',
      ip: '10.0.0.1',
      version: '0.1.0',
      env: 'prod',
      status: 'online',
      last_seen: renewTime,
      tags: [],
    });
    expect(JSON.parse(body[0]?.metadata ?? '')).toMatchObject({ os: 'linux/x64', maxConcurrent: 10 });
    expect((await api.call<AgentView>('GET', '/api/v1/agents/a1')).body).toEqual(body[0]);
  });

  it('say whether an agent is online; an unknown one is offline', async () => {
    for (const [name, status] of [
      ['a1', 'online'],
      ['b1', 'offline'],
      ['nobody', 'offline'],
      ['..%2fx', 'offline'],
    ])
      expect((await api.call('GET', `/api/v1/agents/${name}/status`)).body).toEqual({ status });
  });

  it('set tags, and show them at once', async () => {
    const { status, body } = await api.call<AgentView>('PUT', '/api/v1/agents/a1', {
      tags: ['x', 'y'],
      hostname: 'no',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ tags: ['x', 'y'], hostname: 'host' });
    expect((await api.call<AgentView>('GET', '/api/v1/agents/a1')).body.tags).toEqual(['x', 'y']);
    for (const tags of ['x', [1], [''], null])
      expect(await api.call('PUT', '/api/v1/agents/a1', { tags }), JSON.stringify(tags)).toMatchObject({ status: 400 });
  });

  it('delete an agent', async () => {
    await api.addAgent('c1');
    expect(await api.call('DELETE', '/api/v1/agents/c1')).toMatchObject({ body: { message: 'agent deleted' } });
    expect(await api.call('GET', '/api/v1/agents/c1')).toMatchObject({ status: 404 });
  });

  it.each(['nobody', 'A', '..%2fx', 'a%00', 'x'.repeat(300)])('answer 404 for the agent %s', async (name) => {
    const notFound = { status: 404, body: { error: 'agent not found', code: 'AgentNotFound' } };
    expect(await api.call('GET', `/api/v1/agents/${name}`)).toMatchObject(notFound);
    expect(await api.call('PUT', `/api/v1/agents/${name}`, { tags: [] })).toMatchObject(notFound);
    expect(await api.call('DELETE', `/api/v1/agents/${name}`)).toMatchObject(notFound);
  });
});
