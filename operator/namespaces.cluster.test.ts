import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KubeClient } from '../kube/client.ts';
import type { HttpTransport } from '../kube/http-transport.ts';
import { deployTasks } from '../kube/resource.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import { connectAsServiceAccount, grant } from '../test/kubernetes/service-account.ts';
import type { Rule } from '../test/kubernetes/service-account.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { SharedCluster } from '../test/kubernetes/shared.ts';
import { Operator } from './operator.ts';
import { defaultSettings } from './settings.ts';

const OURS: Rule = {
  apiGroups: ['tiangong.io'],
  resources: ['deploytasks', 'deploytasks/status', 'synctasks', 'syncsources', 'syncpushers'],
  verbs: ['get', 'list', 'watch', 'patch'],
};
const HOME: readonly Rule[] = [
  OURS,
  { apiGroups: ['tiangong.io'], resources: ['agents'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'list', 'watch'] },
];

describe.skipIf(!hasCluster())('an operator that watches a list of namespaces', () => {
  let cluster: SharedCluster;
  let transport: HttpTransport;
  let account: { namespace: string; name: string };
  let [allowed, refused, unwatched] = ['', '', ''];
  let lines: { namespace?: string; msg: string; err?: { message: string } }[] = [];
  let stop: AbortController;
  let ended: Promise<void>;

  const create = (namespace: string, metadata: Partial<DeployTask['metadata']> = {}): Promise<DeployTask> =>
    cluster.client.create(deployTasks, namespace, {
      metadata: { name: 'task', ...metadata },
      spec: { type: 'shell', command: 'true', agent: 'nobody' },
    });
  const stateIn = async (namespace: string): Promise<string | undefined> =>
    (await cluster.client.get(deployTasks, namespace, 'task')).status?.state;

  beforeEach(async () => {
    lines = [];
    stop = new AbortController();
    cluster = await sharedCluster();
    [allowed, refused, unwatched] = await Promise.all(
      [1, 2, 3].map(async () => (await sharedCluster()).namespace) as [
        Promise<string>,
        Promise<string>,
        Promise<string>,
      ],
    );
    account = { namespace: cluster.namespace, name: 'operator' };
    transport = await connectAsServiceAccount(cluster.client, cluster.url, account);
    await grant(cluster.client, cluster.namespace, account, HOME);
    await grant(cluster.client, allowed, account, [OURS]);
    const operator = new Operator({
      client: new KubeClient(transport),
      logger: pino(
        { level: 'warn' },
        { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]) },
      ),
      settings: {
        ...defaultSettings,
        ...{ homeNamespace: cluster.namespace, namespaces: [allowed, refused], instance: 'test' },
      },
    });
    ended = operator.run(stop.signal);
    await vi.waitUntil(() => operator.ready);
  });

  afterEach(async () => {
    stop.abort();
    await ended;
    await transport.close();
  });

  it('sees to the tasks of each of them and of the home namespace, and of no other', async () => {
    const places = [cluster.namespace, allowed, unwatched];
    for (const namespace of places) await create(namespace);
    await expect.poll(() => stateIn(allowed)).toBe('Pending');
    await expect.poll(() => stateIn(cluster.namespace)).toBe('Pending');
    expect(await stateIn(unwatched)).toBeUndefined();
  });

  it('says which right it lacks, and sees to a namespace as soon as it is granted', async () => {
    const said = (): string[] => lines.map(({ err }) => err?.message ?? '').filter((text) => text.includes(refused));
    await expect
      .poll(() => said().sort())
      .toEqual(
        ['deploytasks', 'syncpushers', 'syncsources', 'synctasks'].map(
          (plural) =>
            expect.stringContaining(
              `no right to list and watch ${plural}.tiangong.io in namespace ${refused}: grant it`,
            ) as string,
        ),
      );
    await create(refused);
    await grant(cluster.client, refused, account, [OURS]);
    await expect.poll(() => stateIn(refused), { timeout: 60_000 }).toBe('Pending');
  });
});
