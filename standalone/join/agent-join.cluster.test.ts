import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KubeClient } from '../../kube/client.ts';
import { HttpTransport } from '../../kube/http-transport.ts';
import { isForbidden, isNotFound } from '../../kube/kube-error.ts';
import type { KubeError } from '../../kube/kube-error.ts';
import { agents, deployTasks, leases } from '../../kube/resource.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import { agentJoin } from './agent-join.ts';
import type { JoinOptions } from './agent-join.ts';
import { agentLeave } from './agent-leave.ts';
import { clusterRoles, configMaps, roleBindings, roles, serviceAccounts } from './rbac-kinds.ts';

const READ = { apiGroups: ['tiangong.io'], resources: ['deploytasks'], verbs: ['get', 'list', 'watch'] };
const HOME = { apiGroups: ['tiangong.io'], resources: ['agents'], verbs: ['list'] };

describe.skipIf(!hasCluster())('an agent outside of the cluster', () => {
  let cluster: SharedCluster;
  let client: KubeClient;
  let home: string;
  let [first, second, third] = ['', '', ''];
  let folder: string;
  let printed = '';
  const transports: HttpTransport[] = [];

  beforeEach(async () => {
    cluster = await sharedCluster();
    ({ client, namespace: home } = cluster);
    [first, second, third] = await Promise.all(
      [1, 2, 3].map(async () => (await sharedCluster()).namespace) as [
        Promise<string>,
        Promise<string>,
        Promise<string>,
      ],
    );
    // As the chart makes them.
    for (const namespace of [home, first, second])
      await client.create(roles, namespace, { metadata: { name: 'tiangong-agent' }, rules: [READ] });
    await client.create(roles, home, { metadata: { name: 'tiangong-agent-home' }, rules: [HOME] });
    folder = await mkdtemp(join(tmpdir(), 'tiangong-join-'));
    printed = '';
  });
  afterEach(async () => {
    await Promise.all(transports.splice(0).map((transport) => transport.close()));
    await rm(folder, { recursive: true });
  });

  const agent = (name = 'edge-1') => ({ name, home, fullname: 'tiangong' });

  async function join1(options: Partial<JoinOptions> = {}): Promise<KubeClient> {
    const admin = new KubeConfig();
    admin.loadFromFile(cluster.kubeconfig());
    await agentJoin(client, admin, {
      ...{ agent: agent(), namespaces: [first], expiresSeconds: 3600, server: undefined, apiUrl: undefined, folder },
      ...{ print: (text) => (printed += text) },
      ...options,
    });
    return connect((options.agent ?? agent()).name);
  }

  function connect(name: string): KubeClient {
    const config = new KubeConfig();
    config.loadFromFile(join(folder, `${name}.kubeconfig`));
    const transport = new HttpTransport(config);
    transports.push(transport);
    return new KubeClient(transport);
  }

  const requestToken = (as: KubeClient, account: string): Promise<unknown> =>
    as.raw({
      method: 'POST',
      path: `/api/v1/namespaces/${home}/serviceaccounts/${account}/token`,
      body: JSON.stringify({ spec: { expirationSeconds: 600 } }),
    });

  const mayList = (as: KubeClient, namespace: string): Promise<boolean> =>
    as.list(deployTasks, namespace).then(
      () => true,
      (err: unknown) => {
        expect(err).toSatisfy(isForbidden);
        return false;
      },
    );

  it('gets a kubeconfig of its own with the rights of agents, where it was let in and nowhere else', async () => {
    const host = await join1();
    const path = join(folder, 'edge-1.kubeconfig');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(printed).toContain(path);
    for (const [namespace, may] of [
      [home, true],
      [first, true],
      [second, false],
      [third, false],
    ] as const)
      await expect.poll(() => mayList(host, namespace), { message: namespace }).toBe(may);
    await vi.waitFor(() => host.list(agents, home));
    expect((await client.get(agents, home, 'edge-1')).spec?.namespaces).toEqual([first]);
  });

  it('may have a new token of its own, and of nobody else', async () => {
    await client.create(serviceAccounts, home, { metadata: { name: 'agent-other' } });
    const host = await join1();
    await vi.waitFor(() => requestToken(host, 'agent-edge-1'));
    await expect(requestToken(host, 'agent-other')).rejects.toSatisfy(isForbidden);
    await expect(requestToken(host, 'default')).rejects.toSatisfy(isForbidden);
  });

  it('is renewed by joining again, with the namespaces that it had or with others', async () => {
    await join1();
    const before = await readFile(join(folder, 'edge-1.kubeconfig'), 'utf8');
    const again = await join1({ namespaces: undefined });
    expect(await readFile(join(folder, 'edge-1.kubeconfig'), 'utf8')).not.toBe(before);
    await expect.poll(() => mayList(again, first)).toBe(true);
    expect(await mayList(again, second)).toBe(false);
    const moved = await join1({ namespaces: [second] });
    await expect.poll(() => mayList(moved, second)).toBe(true);
    await expect.poll(() => mayList(moved, first)).toBe(false);
    expect((await client.get(agents, home, 'edge-1')).spec?.namespaces).toEqual([second]);
  });

  it('keeps what people set about it', async () => {
    await client.create(agents, home, { metadata: { name: 'edge-1' }, spec: { tags: ['dmz'], maxConcurrent: 3 } });
    await join1();
    expect((await client.get(agents, home, 'edge-1')).spec).toMatchObject({ tags: ['dmz'], maxConcurrent: 3 });
  });

  it('uses the ClusterRole of a release that watches all namespaces', async () => {
    const name = `tiangong.${home}.agent`;
    await client.create(clusterRoles, undefined, { metadata: { name }, rules: [READ] });
    try {
      const host = await join1({ namespaces: [third] });
      await expect.poll(() => mayList(host, third)).toBe(true);
      // A Role of another release came there: bindings are made anew.
      await client.create(roles, third, { metadata: { name: 'tiangong-agent' }, rules: [READ] });
      await join1({ namespaces: [third] });
      const { roleRef } = await client.get(roleBindings, third, 'agent-edge-1');
      expect(roleRef).toMatchObject({ kind: 'Role', name: 'tiangong-agent' });
      const everywhere = await join1({ namespaces: ['*'] });
      await expect.poll(() => mayList(everywhere, second)).toBe(true);
      await join1({ namespaces: [] });
      await expect.poll(() => mayList(everywhere, second)).toBe(false);
    } finally {
      await client.delete(clusterRoles, undefined, name);
    }
  });

  it('is not let in where the release has no role, and then nothing is made', async () => {
    await expect(join1({ namespaces: [third] })).rejects.toThrow(
      `there is no role tiangong-agent for agents in namespace ${third}: install the chart, with ${third} in scope.namespaces`,
    );
    await expect(join1({ namespaces: ['*'] })).rejects.toThrow(/scope\.clusterWide/);
    await expect(client.get(serviceAccounts, home, 'agent-edge-1')).rejects.toSatisfy(isNotFound);
  });

  it("is given the certificate that the API's is checked against, and a warning about addresses of the admin's own", async () => {
    await client.create(configMaps, home, { metadata: { name: 'tiangong-api-ca' }, data: { 'ca.crt': 'PEM' } });
    await join1({ apiUrl: 'https://api.example.com' });
    expect(await readFile(join(folder, 'edge-1.api-ca.crt'), 'utf8')).toBe('PEM');
    expect(printed).toContain('api_url: https://api.example.com');
    expect(printed).toContain('use --server');
  });

  it('is not let in when what its host needs could not be written, and then nothing is made', async () => {
    await expect(join1({ server: 'http://kube.example.com' })).rejects.toThrow(/only be sent over https/);
    const nowhere = join(folder, 'nowhere');
    await expect(join1({ folder: nowhere })).rejects.toThrow(`cannot write to ${nowhere}`);
    await expect(client.get(serviceAccounts, home, 'agent-edge-1')).rejects.toSatisfy(isNotFound);
    await expect(client.get(agents, home, 'edge-1')).rejects.toSatisfy(isNotFound);
  });

  it('leaves with everything that it had, but not while it runs', async () => {
    const host = await join1();
    const other = await join1({ agent: agent('edge-2') });
    const microTime = new Date().toISOString().replace('Z', '000Z');
    const spec = { holderIdentity: 'i', renewTime: microTime };
    await client.create(leases, home, { metadata: { name: 'edge-1' }, spec });
    const options = { agent: agent(), force: false, print: (text: string) => void (printed += text) };
    await expect(agentLeave(client, options)).rejects.toThrow('agent edge-1 is running: stop it first');
    await expect.poll(() => mayList(host, home)).toBe(true);
    await agentLeave(client, { ...options, force: true });
    await expect.poll(() => host.list(deployTasks, home).catch((err: unknown) => (err as KubeError).code)).toBe(401);
    await expect(client.get(agents, home, 'edge-1')).rejects.toSatisfy(isNotFound);
    await expect(client.get(leases, home, 'edge-1')).rejects.toSatisfy(isNotFound);
    const left = await client.list(roleBindings, undefined, { labelSelector: 'tiangong.io/agent=edge-1' });
    expect(left.items.filter(({ metadata }) => [home, first].includes(metadata.namespace ?? ''))).toEqual([]);
    await expect.poll(() => mayList(other, home)).toBe(true);
  });

  it('is not said to have left when there was none of its name, as when the name or the namespace is wrong', async () => {
    await join1();
    const options = { force: false, print: (text: string) => void (printed += text) };
    printed = '';
    for (const wrong of [agent('edge-11'), { ...agent(), home: first }])
      await expect(agentLeave(client, { ...options, agent: wrong })).rejects.toThrow(
        `there is no agent ${wrong.name} outside of the cluster that belongs to namespace ${wrong.home}`,
      );
    expect(printed).toBe('');
    await agentLeave(client, { ...options, agent: agent() });
    expect(printed).toContain('has no rights any more');
  });

  it('leaves what is left of it when leaving was cut short', async () => {
    await join1();
    await client.delete(serviceAccounts, home, 'agent-edge-1');
    await agentLeave(client, { agent: agent(), force: false, print: (text) => void (printed += text) });
    const left = await client.list(roleBindings, home, { labelSelector: 'tiangong.io/agent=edge-1' });
    expect(left.items).toEqual([]);
  });

  it('of a pool does not join or leave by hand', async () => {
    const labels = { 'tiangong.io/agent-pool': 'default' };
    await client.create(agents, home, { metadata: { name: 'default-n1', labels } });
    const options = { agent: agent('default-n1'), force: true, print: (text: string) => void (printed += text) };
    await expect(agentLeave(client, options)).rejects.toThrow('there is no agent default-n1 outside of the cluster');
    await expect(join1({ agent: agent('default-n1') })).rejects.toThrow('default-n1 is an agent of the pool default');
    await expect(client.get(agents, home, 'default-n1')).resolves.toBeDefined();
  });
});
