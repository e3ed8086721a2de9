import { beforeAll, describe, expect, it, vi } from 'vitest';
import { hasCluster, sharedCluster } from '../../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../../test/kubernetes/shared.ts';
import { KubeClient } from '../../../kube/client.ts';
import { Discovery } from './discovery.ts';
import { readKinds } from './read-kinds.ts';

describe.skipIf(!hasCluster())('readKinds', () => {
  let cluster: SharedCluster;
  beforeAll(async () => (cluster = await sharedCluster()));

  /** The same server as one that knows nothing of aggregated discovery; counts what it is asked. */
  const old = (): { client: KubeClient; calls: () => number } => {
    let calls = 0;
    const client = new KubeClient({
      send: (request) => {
        calls += 1;
        return cluster.client.send({ ...request, accept: 'application/json' });
      },
      close: () => Promise.resolve(),
    });
    return { client, calls: () => calls };
  };

  it('finds the same on a server without aggregated discovery', async () => {
    const byName = (kinds: Awaited<ReturnType<typeof readKinds>>): unknown[] =>
      kinds
        // Of the kinds that are only answers to requests, old lists say less.
        .filter(({ plural }) => !plural.endsWith('reviews'))
        .map(({ group, version, plural, kind, namespaced, singular, shortNames }) =>
          JSON.stringify({ group, version, plural, kind, namespaced, singular, shortNames }),
        )
        .sort();
    // Kinds that another test has just made or deleted may be in one of the two already.
    await vi.waitFor(async () => {
      const [aggregated, plain] = [await readKinds(cluster.client), await readKinds(old().client)];
      expect(byName(plain)).toEqual(byName(aggregated));
      expect(plain.length).toBeGreaterThan(40);
    });
  });

  it('is asked once for many tasks, and again for what it did not find', async () => {
    const { client, calls } = old();
    const discovery = new Discovery(client);
    const { signal } = new AbortController();
    const found = await Promise.all(
      ['pods', 'deploy', 'DeployTask', 'cm'].map((name) => discovery.byName(name, undefined, signal)),
    );
    expect(found.map(({ kind }) => kind)).toEqual(['Pod', 'Deployment', 'DeployTask', 'ConfigMap']);
    const once = calls();
    expect((await discovery.byApiVersion('v1', 'Secret', signal)).plural).toBe('secrets');
    expect(calls()).toBe(once);
    // Events are in two groups: the core group's are meant unless the other is named.
    expect((await discovery.byName('events', undefined, signal)).group).toBe('');
    expect((await discovery.byName('events.events.k8s.io', undefined, signal)).group).toBe('events.k8s.io');
    await expect.poll(() => discovery.byName('nothing', undefined, signal).catch(() => calls())).toBeGreaterThan(once);
  });

  it('does not fail those who wait with a task that is stopped', async () => {
    const discovery = new Discovery(cluster.client);
    const stopped = new AbortController();
    const first = discovery.byName('pods', undefined, stopped.signal);
    const second = discovery.byName('pods', undefined, new AbortController().signal);
    stopped.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    expect((await second).kind).toBe('Pod');
  });
});
