import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deployTasks } from '../kube/resource.ts';
import { ApiUnderTest } from '../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { SharedCluster } from '../test/kubernetes/shared.ts';

describe.skipIf(!hasCluster())('an API that watches a list of namespaces', () => {
  let cluster: SharedCluster;
  let api: ApiUnderTest;
  let [watched, unwatched] = ['', ''];

  const create = async (namespace: string): Promise<string> => {
    const spec = { agent: 'a1', type: 'shell' as const, command: 'true' };
    const { metadata } = await cluster.client.create(deployTasks, namespace, { metadata: { name: 'task' }, spec });
    const status = { state: 'Assigned', assignment: { agent: `agent-of-${watched}`, epoch: 1 } };
    await cluster.client.patch(deployTasks, namespace, 'task', { status }, { subresource: 'status' });
    return metadata.uid ?? '';
  };

  beforeEach(async () => {
    cluster = await sharedCluster();
    watched = (await sharedCluster()).namespace;
    unwatched = (await sharedCluster()).namespace;
    api = await ApiUnderTest.start(cluster, { namespaces: [watched] });
    for (const namespace of [unwatched, watched, cluster.namespace]) await create(namespace);
  });
  afterEach(() => api.stop());

  it('lists the tasks of these and of the home namespace, and of no other', async () => {
    const ids = async (): Promise<string[]> =>
      (await api.call<{ id: string }[]>('GET', '/api/v1/tasks')).body.map(({ id }) => id).sort();
    await expect.poll(ids).toEqual(['task', `${watched}:task`].sort());
  });

  it('knows no task of another namespace, though its own rights may reach there', async () => {
    expect((await api.call('GET', `/api/v1/tasks/${watched}:task`)).status).toBe(200);
    expect((await api.call('GET', `/api/v1/tasks/${unwatched}:task`)).status).toBe(404);
    expect((await api.call('DELETE', `/api/v1/tasks/${unwatched}:task`)).status).toBe(404);
    await expect(cluster.client.get(deployTasks, unwatched, 'task')).resolves.toBeDefined();
  });
});
