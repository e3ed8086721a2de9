import { beforeEach, describe, expect, it, vi } from 'vitest';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { SharedCluster } from '../test/kubernetes/shared.ts';
import { Informer } from './informer.ts';
import { deployTasks, leases } from './resource.ts';

/** Everything here is about what the real server sends; what goes wrong on the way is in informer.test.ts. */
describe.skipIf(!hasCluster())('Informer on a real kube-apiserver', () => {
  let cluster: SharedCluster;

  beforeEach(async () => {
    cluster = await sharedCluster();
  });

  it('reads pages and follows changes of the selected objects', async () => {
    const { client, namespace } = cluster;
    const create = (name: string, app: string): Promise<unknown> =>
      client.create(leases, namespace, { metadata: { name, labels: { app } }, spec: { holderIdentity: name } });
    for (let index = 0; index < 25; index += 1) await create(`lease-${index}`, index % 5 === 0 ? 'other' : 'mine');
    const errors: unknown[] = [];
    const informer = new Informer(client, leases, {
      namespace,
      labelSelector: 'app=mine',
      pageSize: 6,
      indexes: { holder: ({ spec }) => (spec?.holderIdentity === undefined ? [] : [spec.holderIdentity]) },
      onError: (err) => errors.push(err),
    });
    const stop = new AbortController();
    const run = informer.run(stop.signal);
    await informer.synced;
    expect(informer.size).toBe(20);
    const listed = informer.get(`${namespace}/lease-1`)!;
    expect(listed).toMatchObject({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' });
    expect(JSON.stringify(listed)).not.toContain('managedFields');

    await create('late', 'mine');
    await client.patch(leases, namespace, 'lease-1', { spec: { holderIdentity: 'late' } });
    await client.patch(leases, namespace, 'lease-2', { metadata: { labels: { app: 'other' } } });
    await client.patch(leases, namespace, 'lease-5', { metadata: { labels: { app: 'mine' } } });
    await client.delete(leases, namespace, 'lease-3');
    const names = ['lease-1', 'late'];
    await vi.waitFor(() => {
      expect(informer.get(`${namespace}/lease-3`)).toBeUndefined();
      expect(informer.get(`${namespace}/lease-2`)).toBeUndefined();
      expect(informer.get(`${namespace}/lease-5`)).toBeDefined();
      expect(new Set(informer.byIndex('holder', 'late').map(({ metadata }) => metadata.name))).toEqual(new Set(names));
    });
    expect(informer.size).toBe(20);
    const [last] = (await client.list(leases, namespace, { fieldSelector: 'metadata.name=lease-1' })).items;
    expect(informer.get(`${namespace}/lease-1`)?.metadata.resourceVersion).toBe(last?.metadata.resourceVersion);
    expect(errors).toEqual([]);
    stop.abort();
    await run;
  });

  it('sees a task arrive when it is assigned to the agent and leave when it is moved', async () => {
    const { client, namespace } = cluster;
    const name = 'task-1';
    const informer = new Informer(client, deployTasks, {
      namespace,
      fieldSelector: 'status.assignment.agent=a,status.state!=Succeeded,status.state!=Failed',
    });
    const seen: string[] = [];
    informer.onChange((_key, task) => seen.push(task?.status?.state ?? 'gone'));
    const stop = new AbortController();
    const run = informer.run(stop.signal);
    await informer.synced;
    await client.create(deployTasks, namespace, {
      metadata: { name },
      spec: { agent: 'a', type: 'shell', command: 'true' },
    });
    const assign = (agent: string, epoch: number): Promise<unknown> => {
      const assignment = { agent, instance: 'i', epoch, time: new Date().toISOString() };
      const status = { state: 'Assigned', observedGeneration: 1, assignment };
      return client.patch(deployTasks, namespace, name, { status }, { subresource: 'status' });
    };
    await assign('a', 1);
    await vi.waitFor(() => expect(seen).toEqual(['Assigned']));
    await assign('b', 2);
    await vi.waitFor(() => expect(seen).toEqual(['Assigned', 'gone']));
    expect(informer.size).toBe(0);
    stop.abort();
    await run;
  });

  it('is told by a 410 that a version is too old, as the informer expects it', async () => {
    const { client, namespace } = cluster;
    const options = { resourceVersion: '1', timeoutSeconds: 10, signal: AbortSignal.timeout(60_000) };
    const codes: (number | undefined)[] = [];
    try {
      for await (const event of client.watch(deployTasks, namespace, options)) {
        if (event.type === 'ERROR') codes.push(event.object.code);
      }
    } catch (err) {
      codes.push((err as { code?: number }).code);
    }
    expect(codes).toEqual([410]);
  });
});
