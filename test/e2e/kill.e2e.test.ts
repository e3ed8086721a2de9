import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../kube/random.ts';
import { Load } from './load.ts';
import { NAMESPACE, Release } from './release.ts';
import type { RestApi } from './rest-api.ts';
import { summarise } from './summarise.ts';
import { syncOverKilledPod } from './sync-scenario.ts';
import { POOLS, openSuite, untilReady } from './suite.ts';

/** Another order of kills: `TIANGONG_E2E_SEED`. */
const SEED = Number(process.env['TIANGONG_E2E_SEED'] ?? '7');
const KILLS = 12;

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly phase?: string };
}

describe('a release of helm 3 whose pods and nodes die', () => {
  const { cluster, transcript } = openSuite('Kill pods and a node while tasks run (helm 3)');
  const release = new Release(cluster, transcript, 3);
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
    await release.uninstall();
    await release.remove();
    await cluster.close();
  });

  /** Pods of the release: API, operators, agents. */
  const pods = async (): Promise<Pod[]> => {
    const { items } = await cluster.read<{ items: Pod[] }>(
      ...['get', 'pods', '--namespace', NAMESPACE, '--selector', 'app.kubernetes.io/name=tiangong'],
    );
    return items.filter(({ status }) => status.phase === 'Running');
  };

  it('goes on with a sync when the pod of its agent is killed', { timeout: 600_000 }, () =>
    syncOverKilledPod(cluster, transcript, folder),
  );

  it('loses no task and runs none twice', async () => {
    const random = new Random(SEED);
    const load = new Load(cluster, rest, {
      ...{
        label: 'kill',
        folder,
        pools: ['default', 'nodes'],
        agents: cluster.facts.nodes.map((node) => `nodes-${node}`),
      },
      ...{ taskSeconds: 3, everyMs: 400, everyThirdIdempotent: true },
    });
    load.start();
    for (let kill = 1; kill <= KILLS; kill += 1) {
      await pause(1000 + random.below(4000));
      const all = await pods();
      if (all.length === 0) continue;
      const pod = random.pick(all);
      const { name, uid } = pod.metadata;
      if (random.oneIn(2)) {
        await cluster.run('kill-pod', cluster.numberOf(pod.spec.nodeName), uid);
        transcript.note(`\`kill -9\` of all processes of pod ${name} on ${pod.spec.nodeName}.`);
      } else {
        await cluster.kubectl('delete', 'pod', name, '--namespace', NAMESPACE, '--force', '--grace-period=0');
        transcript.note(`Pod ${name} on ${pod.spec.nodeName} is deleted with no time to end.`);
      }
    }
    // The last one: the first carries the control plane.
    const node = cluster.facts.nodes.at(-1) ?? '';
    await cluster.run('kill', cluster.numberOf(node));
    transcript.note(`${node} loses its power.`);
    await cluster.kubectl('wait', `node/${node}`, '--for', 'condition=Ready=Unknown', '--timeout', '120s');
    await cluster.show('get', 'nodes');
    await pause(5000);
    await cluster.run('start', cluster.numberOf(node));
    await cluster.kubectl('wait', `node/${node}`, '--for', 'condition=Ready', '--timeout', '120s');
    transcript.note(`${node} is back.`);
    await pause(5000);
    await load.stop();
    transcript.note(`${load.size} tasks were created meanwhile, by REST and by the Kubernetes API.`);

    await expect.poll(() => load.unfinished(), { timeout: 240_000, interval: 1000 }).toEqual([]);
    const tasks = await load.tasks();
    transcript.note(summarise(tasks));
    for (const { name, task, idempotent, begun, ended } of tasks) {
      const state = task.status?.state ?? '';
      const seen = `${name} ${state}: begun ${begun} times, ended ${ended} times`;
      // Unknown is what a task honestly is whose agent was killed while it ran.
      expect(['Succeeded', 'Unknown'], seen).toContain(state);
      if (state === 'Succeeded') expect(ended, seen).toBeGreaterThanOrEqual(1);
      if (!idempotent) expect(begun, seen).toBeLessThanOrEqual(1);
    }
    // Most tasks have nothing to do with what was killed.
    expect(tasks.filter(({ task }) => task.status?.state === 'Succeeded').length).toBeGreaterThan(tasks.length / 2);
  }, 600_000);
});
