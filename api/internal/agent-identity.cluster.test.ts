import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks, syncTasks } from '../../kube/resource.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import type { Answer } from '../../test/api/api-under-test.ts';
import { ServiceAccounts } from '../../test/api/service-accounts.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';

describe.skipIf(!hasCluster())('agents with tokens of a real Kubernetes', () => {
  let api: ApiUnderTest;
  let cluster: SharedCluster;
  let accounts: ServiceAccounts;
  let node: string;
  let serial = 0;
  /** As Kubernetes makes names of pods, each once. */
  const fresh = (pool: string): string => `${pool}-x${String((serial += 1)).padStart(4, '0')}`;

  /** A running task on the agent, as the path of its log. */
  async function logOf(agent: string): Promise<string> {
    const { metadata } = await cluster.client.create(deployTasks, cluster.namespace, {
      metadata: { generateName: 'identity-' },
      spec: { agent, type: 'shell', command: 'x' },
    });
    await api.run(metadata.name, agent);
    return `/internal/tasks/${metadata.uid ?? ''}/1/log`;
  }
  const ask = (path: string, token: string): Promise<Answer> =>
    api.call('GET', path, undefined, { authorization: `Bearer ${token}` });
  const statusOf = async (path: string, token: string): Promise<number> => (await ask(path, token)).status;

  beforeAll(async () => {
    cluster = await sharedCluster();
    accounts = new ServiceAccounts(cluster.client, cluster.namespace);
    api = await ApiUnderTest.start(cluster, {
      ...{ auth: 'kubernetes', namedAgents: false, agentServiceAccount: 'tiangong-agent' },
    });
    node = `node-${cluster.namespace}`;
    const body = JSON.stringify({ metadata: { name: node } });
    await cluster.client.raw({ method: 'POST', path: '/api/v1/nodes', body });
    await accounts.create('tiangong-agent');
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('takes the token of a pod for that of the agent of its name, and of its pool and node', async () => {
    const pod = fresh('db');
    const token = await accounts.token('tiangong-agent', await accounts.pod(pod, 'tiangong-agent', node));
    expect(await statusOf(await logOf(pod), token)).toBe(200);
    expect(await statusOf(await logOf(`db-${node}`), token)).toBe(200);
    const other = await ask(await logOf('db-other'), token);
    expect([other.status, other.body['code']]).toEqual([403, 'NotAssigned']);
  });

  it('takes a token of the same ServiceAccount without a pod for nobody', async () => {
    const answer = await ask(await logOf('db-x7k2p'), await accounts.token('tiangong-agent'));
    expect([answer.status, answer.body['code']]).toEqual([401, 'Unauthorized']);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
  });

  it('takes the ServiceAccount of a bare host for its agent', async () => {
    const host = fresh('host');
    await accounts.create(`agent-${host}`);
    const token = await accounts.token(`agent-${host}`);
    expect(await statusOf(await logOf(host), token)).toBe(200);
    expect(await statusOf(await logOf(`${host}-other`), token)).toBe(403);
  });

  it('takes nobody else for an agent, whatever the name and the pod', async () => {
    const someone = fresh('someone');
    const path = await logOf(`${someone}-a`);
    await accounts.create(someone);
    const pod = await accounts.pod(`${someone}-a`, someone, node);
    expect(await statusOf(path, await accounts.token(someone, pod))).toBe(401);
    expect(await statusOf(await logOf('local'), cluster.tokenFor('agent/local'))).toBe(401);
  });

  it('gives the secret of a sync to the pod that it is assigned to alone', async () => {
    const name = fresh('sync');
    const { metadata } = await cluster.client.create(syncTasks, cluster.namespace, {
      metadata: { name },
      spec: { source: 's1', pusher: 'p1' },
    });
    const assignment = { agent: `web-${node}`, instance: 'i', epoch: 1, time: new Date().toISOString() };
    const patch = { status: { epoch: 1, assignment } };
    await cluster.client.patch(syncTasks, cluster.namespace, name, patch, { subresource: 'status' });
    const query = new URLSearchParams({
      namespace: cluster.namespace,
      name,
      ref: 'none',
      epoch: '1',
    }).toString();
    const path = `/internal/syncs/${metadata.uid ?? ''}/secret?${query}`;
    const token = async (pod: string): Promise<string> =>
      accounts.token('tiangong-agent', await accounts.pod(pod, 'tiangong-agent', node));
    const [mine, another] = [await ask(path, await token(fresh('web'))), await ask(path, await token(fresh('other')))];
    expect([mine.body['code'], another.body['code']]).toEqual(['SecretNotAllowed', 'NotAssigned']);
  });
});
