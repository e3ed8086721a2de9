import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployTasks } from '../../kube/resource.ts';
import { Load } from './load.ts';
import { HOST_NAMESPACE, NAMESPACE, Release } from './release.ts';
import type { RestApi } from './rest-api.ts';
import { summarise } from './summarise.ts';
import { POOLS, openSuite, untilReady } from './suite.ts';

describe('a release that is upgraded while tasks run, and then taken away', () => {
  const { cluster, transcript } = openSuite('Upgrade under load; the namespace goes (helm 4)');
  const release = new Release(cluster, transcript, 4);
  let rest: RestApi;
  let folder: string;

  beforeAll(async () => {
    folder = await release.prepare();
    await release.install({ agents: { pools: POOLS } });
    rest = await release.rest();
    await untilReady(cluster, 'nodes', 3);
    await untilReady(cluster, 'default', 2);
  });

  afterAll(async () => {
    await rest?.close();
    await release.remove();
    await cluster.close();
  });

  it('loses no task, and lets all that run come to their end', async () => {
    const load = new Load(cluster, rest, {
      ...{
        label: 'upgrade',
        folder,
        pools: ['default', 'nodes'],
        agents: cluster.facts.nodes.map((node) => `nodes-${node}`),
      },
      ...{ taskSeconds: 8, everyMs: 500, everyThirdIdempotent: false },
    });
    load.start();
    await expect.poll(() => load.size).toBeGreaterThan(10);
    await release.upgrade({
      image: { tag: cluster.facts.tags[1] },
      operator: { logLevel: 'debug' },
      agents: { pools: { ...POOLS, default: { ...POOLS.default, replicas: 3, tags: ['upgraded'] } } },
    });
    await untilReady(cluster, 'default', 3);
    await cluster.kubectl('rollout', 'status', 'daemonset/nodes', '--namespace', NAMESPACE, '--timeout', '180s');
    await load.stop();
    transcript.note(`${load.size} tasks were created meanwhile, by REST and by the Kubernetes API.`);

    await expect.poll(() => load.unfinished(), { timeout: 240_000, interval: 1000 }).toEqual([]);
    const tasks = await load.tasks();
    transcript.note(summarise(tasks));
    for (const { name, task, begun, ended } of tasks)
      expect({ name, state: task.status?.state, begun, ended }).toEqual({
        name,
        state: 'Succeeded',
        begun: 1,
        ended: 1,
      });
    await cluster.show('get', 'agentpools', '--namespace', NAMESPACE);
    const images = await cluster.show(
      ...['get', 'pods', '--namespace', NAMESPACE, '--selector', 'app.kubernetes.io/name=tiangong'],
      ...['--output', 'jsonpath={.items[*].spec.containers[*].image}'],
    );
    for (const image of images.split(' ')) expect(image).toMatch(new RegExp(`:${cluster.facts.tags[1]}$`));
  }, 600_000);

  it('ends with its namespace, with tasks running', async () => {
    for (const agent of cluster.facts.nodes.slice(0, 2).map((node) => `nodes-${node}`))
      await rest.post('/tasks', { agent_id: agent, type: 'shell', command: 'sleep 600' });
    await expect
      .poll(async () => {
        const { items } = await cluster.client.list(deployTasks, NAMESPACE);
        return items.filter(({ status }) => status?.state === 'Running').length;
      })
      .toBe(2);
    const started = performance.now();
    await cluster.show('delete', 'namespace', NAMESPACE, '--timeout', '240s');
    transcript.note(
      `The namespace is gone ${((performance.now() - started) / 1000).toFixed(0)} s after it was told to go.`,
    );
    expect(await cluster.kubectl('get', 'namespaces')).not.toMatch(
      new RegExp(`^(${NAMESPACE}|${HOST_NAMESPACE}) `, 'm'),
    );
  });
});
