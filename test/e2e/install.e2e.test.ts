import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeTaskTypes } from './describe-task-types.ts';
import { refusals } from './refusals.ts';
import { HOST_NAMESPACE, NAMESPACE, Release } from './release.ts';
import type { RestApi } from './rest-api.ts';
import { POOLS, openSuite, untilReady } from './suite.ts';

describe('the chart, installed by helm 4', () => {
  const { cluster, transcript } = openSuite('Install, run, uninstall with helm 4');
  const release = new Release(cluster, transcript, 4);
  const started = new Date();
  let rest: RestApi;

  beforeAll(async () => {
    await release.prepare();
    const [tag] = cluster.facts.tags;
    await release.install({
      agents: {
        hostAccess: { enabled: true },
        pools: {
          ...POOLS,
          default: { ...POOLS.default, image: `localhost/tiangong-agent-tools:${tag}` },
          hosts: { workload: 'DaemonSet', hostAccess: true, terminationGracePeriodSeconds: 60 },
        },
      },
    });
    rest = await release.rest();
  });

  afterAll(async () => {
    await rest?.close();
    await release.remove();
    await cluster.close();
  });

  it('has an agent in each pod of a Deployment, and on each node', async () => {
    await untilReady(cluster, 'default', 2);
    await untilReady(cluster, 'nodes', 3);
    await untilReady(cluster, 'hosts', 3);
    await cluster.kubectl(
      'wait',
      'agentpools',
      '--all',
      '--namespace',
      NAMESPACE,
      '--for',
      'condition=Ready',
      '--timeout=60s',
    );
    await cluster.show('get', 'agentpools,agents', '--namespace', NAMESPACE);
    await cluster.show('get', 'pods', '--namespace', NAMESPACE, '--output', 'wide');
    await cluster.show('get', 'pods', '--namespace', HOST_NAMESPACE, '--output', 'wide');
  });

  it('passes helm test', async () => {
    expect(await release.test()).toContain('Succeeded');
  });

  it('runs a task of kubectl to its end', async () => {
    await cluster.apply({
      apiVersion: 'tiangong.io/v1alpha1',
      kind: 'DeployTask',
      metadata: { name: 'hello', namespace: NAMESPACE },
      spec: {
        agentSelector: { matchLabels: { 'tiangong.io/agent-pool': 'default' } },
        type: 'shell',
        command: 'kubectl version --client; helm version --short',
      },
    });
    await cluster.show(
      'wait',
      'deploytask/hello',
      '--namespace',
      NAMESPACE,
      '--for',
      'condition=Succeeded',
      '--timeout=60s',
    );
    await cluster.show('get', 'deploytask/hello', '--namespace', NAMESPACE);
    const printed = ['--output', 'jsonpath={.status.result.text}'];
    expect(await cluster.show('get', 'deploytask/hello', '--namespace', NAMESPACE, ...printed)).toMatch(
      /Client Version[^]*v4\./,
    );
  });

  it('records who created a task, whatever its maker says', async () => {
    await cluster.kubectl(
      ...[
        'patch',
        'deploytask',
        'hello',
        '--namespace',
        NAMESPACE,
        '--type',
        'merge',
        '--patch',
        '{"spec":{"priority":1}}',
      ],
    );
    const me = await cluster.read<{ status: { userInfo: { username: string } } }>('auth', 'whoami');
    const byKubectl = await cluster.read<Made>('get', 'deploytask', 'hello', '--namespace', NAMESPACE);
    expect(byKubectl.metadata.annotations['tiangong.io/created-by']).toBe(me.status.userInfo.username);
    const { id } = await rest.post('/tasks', {
      agent_id: `nodes-${cluster.facts.nodes[0] ?? ''}`,
      type: 'shell',
      command: 'true',
    });
    const byRest = await cluster.read<Made>('get', 'deploytask', id, '--namespace', NAMESPACE);
    expect(byRest.metadata.annotations['tiangong.io/created-by']).toBe(`system:serviceaccount:${NAMESPACE}:e2e`);
  });

  describeTaskTypes(cluster, transcript, () => rest);

  it('acts on a node itself where a pool has access to its host, and nowhere else', async () => {
    const look = 'hostname; id -u';
    for (const node of cluster.facts.nodes) {
      const host = await rest.post('/tasks', { agent_id: `hosts-${node}`, type: 'shell', command: look, sync: true });
      expect(host.result).toBe(`${node}\n0\n`);
      const pod = await rest.post('/tasks', { agent_id: `nodes-${node}`, type: 'shell', command: look, sync: true });
      expect(pod.result).toMatch(/^nodes-\w+\n65532\n$/);
    }
    transcript.note(
      'Agents of the pool hosts run commands as root in the namespaces of their nodes; those of nodes do not.',
    );
  });

  it('was refused nothing that its programs ask for', async ({ skip }) => {
    if (cluster.facts.auditLog === undefined) skip();
    expect(await refusals(cluster.facts.auditLog ?? '', started)).toEqual([]);
  });

  it('goes when it is uninstalled, and leaves tasks and data', async () => {
    await release.uninstall();
    expect(await cluster.show('get', 'deployments,daemonsets,pods', '--namespace', NAMESPACE)).toBe('');
    expect(await cluster.kubectl('get', 'deploytasks', '--namespace', NAMESPACE, '--output', 'name')).toContain(
      'hello',
    );
    await cluster.show('delete', 'namespace', NAMESPACE, '--timeout', '240s');
  });
});

interface Made {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
}
