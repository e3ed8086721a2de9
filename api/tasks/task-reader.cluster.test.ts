import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deployTasks } from '../../kube/resource.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import { TaskReader } from './task-reader.ts';

describe.skipIf(!hasCluster())('TaskReader', () => {
  let cluster: SharedCluster;
  let stop: AbortController;
  let running: Promise<void>;

  beforeEach(async () => {
    cluster = await sharedCluster();
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await running;
  });

  function start(cacheBytes: number): TaskReader {
    const reader = new TaskReader(cluster.client, { cacheBytes, onError: () => undefined });
    running = reader.run(stop.signal);
    return reader;
  }

  const create = async (name: string): Promise<{ namespace: string; name: string }> => {
    const spec = { agent: 'a1', type: 'shell' as const, command: `echo ${name}`, params: { cwd: '/tmp' } };
    await cluster.client.create(deployTasks, cluster.namespace, { metadata: { name }, spec });
    return { namespace: cluster.namespace, name };
  };

  it.each([
    ['has room for every body', 1_000_000],
    ['has room for none', 0],
  ])('reads whole tasks when its cache %s', async (_what, cacheBytes) => {
    const name = await create('known');
    const reader = start(cacheBytes);
    await expect.poll(() => reader.peek(name)).toBeDefined();
    expect(reader.peek(name)?.spec, 'bodies are not kept with the objects').not.toHaveProperty('command');
    for (let i = 0; i < 2; i += 1) {
      const read = await reader.get(name);
      expect(read?.body).toMatchObject({ command: 'echo known', params: '{"cwd":"/tmp"}' });
      expect(read?.body.resourceVersion).toBe(read?.task.metadata.resourceVersion);
    }
  });

  it('finds what the informer has not seen, by name and by uid', async () => {
    const name = await create('unseen');
    // Never started: it knows nothing.
    running = Promise.resolve();
    const reader = new TaskReader(cluster.client, { cacheBytes: 0, onError: () => undefined });
    const read = await reader.get(name);
    expect(read?.body.command).toBe('echo unseen');
    const uid = read?.task.metadata.uid ?? '';
    const assignment = { agent: `a-${cluster.namespace}`, epoch: 1 };
    const status = { state: 'Assigned', assignment };
    await cluster.client.patch(deployTasks, name.namespace, name.name, { status }, { subresource: 'status' });
    expect((await reader.findByUid(uid, [assignment.agent]))?.metadata.name).toBe('unseen');
    expect(await reader.findByUid(uid, ['another'])).toBeUndefined();
    expect(await reader.get({ ...name, name: 'nope' })).toBeUndefined();
  });

  it('finds by uid only what is in its namespaces', async () => {
    const name = await create('elsewhere');
    running = Promise.resolve();
    const agent = `a-${cluster.namespace}`;
    const status = { state: 'Assigned', assignment: { agent, epoch: 1 } };
    const patched = await cluster.client.patch(
      deployTasks,
      name.namespace,
      name.name,
      { status },
      { subresource: 'status' },
    );
    const readerOf = (namespaces: readonly string[]): TaskReader =>
      new TaskReader(cluster.client, { namespaces, cacheBytes: 0, onError: () => undefined });
    const uid = patched.metadata.uid ?? '';
    expect((await readerOf(['default', name.namespace]).findByUid(uid, [agent]))?.metadata.name).toBe('elsewhere');
    expect(await readerOf(['default']).findByUid(uid, [agent])).toBeUndefined();
    expect(await readerOf(['default']).getFresh(name)).toBeUndefined();
  });

  it('lists newest first, and tells when a task has gone', async () => {
    const reader = start(1_000_000);
    const names = [await create('t1'), await create('t2'), await create('t3')];
    const own = (): string[] =>
      reader
        .newestFirst()
        .filter(({ metadata }) => metadata.namespace === cluster.namespace)
        .map(({ metadata }) => metadata.name);
    await expect.poll(own).toHaveLength(3);
    const times = reader.newestFirst().map(({ metadata }) => metadata.creationTimestamp ?? '');
    expect(times).toEqual([...times].sort().reverse());
    const gone = reader.untilGone(names[0] ?? { namespace: '', name: '' }, 30_000);
    await cluster.client.delete(deployTasks, cluster.namespace, 't1');
    expect(await gone).toBe(true);
    expect(own()).not.toContain('t1');
  });
});
