import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NAMESPACE, Release } from './release.ts';
import type { RestApi } from './rest-api.ts';
import { POOLS, openSuite, untilReady } from './suite.ts';

describe('the chart, installed by helm 4', () => {
  const { cluster, transcript } = openSuite('Install, run, uninstall with helm 4');
  const release = new Release(cluster, transcript, 4);
  let rest: RestApi;

  beforeAll(async () => {
    await release.prepare();
    await release.install({
      agents: {
        pools: { ...POOLS, hosts: { workload: 'DaemonSet', hostAccess: true } },
        hostAccess: { enabled: true },
      },
      ...(process.env['NO_TASKS_SA'] && { tasks: { serviceAccount: { create: false } } }),
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
    await cluster.show('wait', 'agentpools', '--all', '--namespace', NAMESPACE, '--for', 'condition=Ready');
    await cluster.show('get', 'agentpools,agents', '--namespace', NAMESPACE);
    await cluster.show('get', 'pods', '--namespace', NAMESPACE, '--output', 'wide');
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
        command: 'id -u; pwd',
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
    expect(
      await cluster.kubectl('get', 'dt', 'hello', '-n', NAMESPACE, '-o', 'jsonpath={.status.result.text}'),
    ).toMatch(/^65532\n/);
  });

  it('runs a task of REST', async () => {
    const task = await rest.post('/tasks', {
      agent_id: 'nodes-node2',
      type: 'shell',
      command: 'echo hello',
      sync: true,
    });
    expect(task).toMatchObject({ status: 'success', result: 'hello\n' });
  });
});
