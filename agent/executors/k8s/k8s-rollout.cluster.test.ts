import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCluster } from '../../../test/kubernetes/cluster.ts';
import type { Cluster } from '../../../test/kubernetes/cluster.ts';
import { hasCluster } from '../../../test/kubernetes/shared.ts';
import { execute } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import { K8sExecutor } from './k8s-executor.ts';
import { Kubectl } from './testing/kubectl.ts';

const workload = (kind: string, name: string, image: string): string =>
  `apiVersion: apps/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec:\n  replicas: 2\n${kind === 'StatefulSet' ? `  serviceName: ${name}\n  podManagementPolicy: Parallel\n` : ''}  selector: {matchLabels: {app: ${name}}}\n  template:\n    metadata: {labels: {app: ${name}}}\n    spec: {containers: [{name: a, image: "${image}"}]}\n`;

describe.skipIf(!hasCluster())('rollouts on a cluster with the real controllers', () => {
  let cluster: Cluster;
  let kubectl: Kubectl;
  let executor: K8sExecutor;
  let namespace: string;
  let kubelet: NodeJS.Timeout;

  beforeAll(async () => {
    cluster = await startCluster({
      crds: false,
      controllerManager: ['deployment-controller', 'replicaset-controller', 'statefulset-controller'],
    });
  });
  afterAll(() => cluster?.stop());
  beforeEach(async () => {
    namespace = `test-${randomUUID()}`;
    kubectl = new Kubectl(cluster.kubeconfig(), namespace);
    executor = new K8sExecutor({ kubeconfig: cluster.kubeconfig(), namespace });
    await kubectl.out('create', 'namespace', namespace);
    // What a kubelet would do: every pod is ready.
    kubelet = setInterval(() => void makeReady().catch(() => undefined), 300);
  });
  afterEach(async () => {
    clearInterval(kubelet);
    await executor.close();
  });

  async function makeReady(): Promise<void> {
    const client = cluster.client();
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const { items } = await client.raw<{ items: { metadata: { name: string }; status: { phase?: string } }[] }>({
      method: 'GET',
      path,
    });
    const body = JSON.stringify({ status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } });
    for (const { metadata, status } of items)
      if (status.phase !== 'Running')
        await client.raw({
          method: 'PATCH',
          path: `${path}/${metadata.name}/status`,
          body,
          contentType: 'application/strategic-merge-patch+json',
        });
  }
  const run = (command: string, params: Record<string, unknown> = {}): Promise<Execution> =>
    execute(executor, { command, params });
  const done = async (command: string, params: Record<string, unknown>): Promise<Execution> => {
    const execution = await run(command, params);
    expect(execution.outcome).toMatchObject({ state: 'Succeeded' });
    return execution;
  };
  const image = (what: string): Promise<string> =>
    kubectl.out('get', what, '--output', 'jsonpath={.spec.template.spec.containers[0].image}');

  it('waits for a Deployment with progress lines, restarts it, and goes back', async () => {
    const applied = await done(workload('Deployment', 'web', 'web:1'), { wait: true });
    const lines = applied.log.map(({ message }) => message);
    expect(lines.at(-1)).toBe('Deployment/web is ready');
    expect(lines.some((line) => line.startsWith('Waiting for Deployment/web: '))).toBe(true);
    expect(JSON.parse(applied.result.toString())).toMatchObject({ status: { availableReplicas: 2 } });
    expect((await kubectl.run(['rollout', 'status', 'deployment/web', '--timeout=20s'])).code).toBe(0);

    await done(workload('Deployment', 'web', 'web:2'), { wait: true });
    const status = await done('deploy/web', { operation: 'rollout' });
    expect(status.result.toString()).toBe('Deployment/web is rolled out');

    await done('deploy/web', { operation: 'rollout', action: 'undo', wait: true });
    expect(await image('deployment/web')).toBe('web:1');
    await done('deploy/web', { operation: 'rollout', action: 'undo', revision: 2 });
    expect(await image('deployment/web')).toBe('web:2');
    expect((await run('deploy/web', { operation: 'rollout', action: 'undo', revision: 99 })).outcome).toMatchObject({
      reason: 'NotFound',
      message: expect.stringContaining('has no revision 99 (known: ') as string,
    });

    await done('deploy/web', { operation: 'rollout', action: 'restart' });
    const annotations = await kubectl.out(
      'get',
      'deployment',
      'web',
      '--output',
      'jsonpath={.spec.template.metadata.annotations}',
    );
    expect(annotations).toContain('kubectl.kubernetes.io/restartedAt');
  });

  it('pauses and resumes', async () => {
    await done(workload('Deployment', 'paused', 'a:1'), { wait: true });
    for (let twice = 0; twice < 2; twice += 1) await done('deploy/paused', { operation: 'rollout', action: 'pause' });
    expect(await kubectl.out('get', 'deployment', 'paused', '--output', 'jsonpath={.spec.paused}')).toBe('true');
    expect((await run('deploy/paused', { operation: 'rollout', action: 'restart' })).outcome).toMatchObject({
      reason: 'Paused',
    });
    expect((await run('deploy/paused', { operation: 'rollout' })).outcome).toMatchObject({ reason: 'Paused' });
    await done('deploy/paused', { operation: 'rollout', action: 'resume' });
    await done('deploy/paused', { operation: 'rollout' });
  });

  it('says so when there is nothing to go back to', async () => {
    await done(workload('Deployment', 'new', 'a:1'), { wait: true });
    expect((await run('deploy/new', { operation: 'rollout', action: 'undo' })).outcome).toEqual({
      state: 'Failed',
      reason: 'NotFound',
      message: 'resource not found: Deployment/new has no revision before the current one (known: 1)',
    });
  });

  it('fails when the progress deadline is over', async () => {
    const text = workload('Deployment', 'stuck', 'a:1').replace(
      '  replicas',
      '  progressDeadlineSeconds: 1\n  replicas',
    );
    // Nobody makes its pods ready meanwhile.
    clearInterval(kubelet);
    const { outcome } = await run(text, { wait: true });
    expect(outcome).toEqual({
      state: 'Failed',
      reason: 'NotReady',
      message: 'Deployment/stuck did not become ready: it exceeded its progress deadline',
    });
  });

  it('goes back with a StatefulSet', async () => {
    await done(workload('StatefulSet', 'db', 'db:1'), { wait: true });
    await done(workload('StatefulSet', 'db', 'db:2'), {});
    await vi.waitFor(async () =>
      expect((await kubectl.get<{ items: unknown[] }>('controllerrevisions')).items).toHaveLength(2),
    );
    await done('sts/db', { operation: 'rollout', action: 'undo' });
    expect(await image('statefulset/db')).toBe('db:1');
    const { outcome } = await run('sts/db', { operation: 'rollout', action: 'pause' });
    expect(outcome).toMatchObject({
      reason: 'InvalidParams',
      message: 'rollout pause is for Deployment, not for StatefulSet',
    });
  });

  it('waits until what was deleted is gone', async () => {
    await done(workload('Deployment', 'short', 'a:1'), {});
    const { result } = await done(workload('Deployment', 'short', 'a:1'), { operation: 'delete', wait: true });
    expect(result.toString()).toBe('Resource Deployment/short deleted successfully');
    expect((await kubectl.run(['get', 'deployment', 'short'])).code).toBe(1);
  });
});
