import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { binary } from '../kubernetes/binaries.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';

const run = promisify(execFile);

const POD =
  'apiVersion: v1\nkind: Pod\nmetadata:\n  name: nginx-pod\n  namespace: default\nspec:\n  containers:\n  - name: nginx\n    image: nginx:1.21\n    ports:\n    - containerPort: 80';
const DEPLOYMENT =
  '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"nginx-deployment","namespace":"production"},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"nginx"}},"template":{"metadata":{"labels":{"app":"nginx"}},"spec":{"containers":[{"name":"nginx","image":"nginx:1.21","ports":[{"containerPort":80}]}]}}}}';
const replicas = (count: number): string =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: nginx-deployment\n  namespace: production\nspec:\n  replicas: ${count}`;

describe.skipIf(!hasCluster())("the manual's examples of k8s tasks (§3)", () => {
  let cluster: SharedCluster;
  let programs: Programs;
  let tasks: TaskClient;

  beforeAll(async () => {
    cluster = await sharedCluster();
    // The rights of an agent in a pod that handles objects; the agent's own are for tasks and leases.
    const k8s = { type: 'k8s', config: { kubeconfig: cluster.kubeconfig('admin'), namespace: cluster.namespace } };
    programs = await startPrograms(cluster, { agentConfig: { plugins: [k8s] } });
    tasks = new TaskClient(programs);
    await kubectl('create', 'namespace', 'production').catch(() => 'it is there');
  });

  afterAll(async () => {
    await programs.stop();
    await withoutDeployment();
    await withoutPod();
  });

  /** The witness. */
  async function kubectl(...args: string[]): Promise<string> {
    return (await run(binary('kubectl'), ['--kubeconfig', cluster.kubeconfig(), ...args])).stdout;
  }
  // Each example makes what it needs, so that it can be tried again.
  const withoutPod = (): Promise<string> =>
    kubectl('delete', '--namespace', 'default', '--ignore-not-found', '--force', 'pod/nginx-pod');
  const withoutDeployment = (): Promise<string> =>
    kubectl('delete', '--namespace', 'production', '--ignore-not-found', 'deployment/nginx-deployment');
  /** With 3 replicas. */
  async function withDeployment(): Promise<void> {
    await withoutDeployment();
    await apply(DEPLOYMENT);
  }
  async function apply(manifest: string): Promise<void> {
    const path = join(programs.folder, 'manifest');
    await writeFile(path, manifest);
    await kubectl('apply', '--filename', path);
  }
  const pod = (path: string): Promise<string> =>
    kubectl('get', 'pod', 'nginx-pod', '--namespace', 'default', '--output', `jsonpath={${path}}`);
  const deployment = (path: string): Promise<string> =>
    kubectl('get', 'deployment', 'nginx-deployment', '--namespace', 'production', '--output', `jsonpath={${path}}`);

  it('example 1: a Pod in YAML by apply, whose result is the object in indented JSON', async () => {
    await withoutPod();
    const created = await tasks.create({ type: 'k8s', command: POD, params: { operation: 'apply' } });
    expect(created).toMatchObject({ status: 'running', command: POD, result: '', error: '' });
    expect(JSON.parse(created.params)).toEqual({ operation: 'apply' });
    const task = await tasks.ended(created.id);
    expect(task.status, task.error).toBe('success');
    const result = JSON.parse(task.result) as { metadata: { uid: string; resourceVersion: string } };
    expect(result).toMatchObject({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'nginx-pod', namespace: 'default' },
    });
    expect(task.result).toMatch(/^\{\n {2}"apiVersion": "v1",\n {2}"kind": "Pod",\n/);
    expect(result.metadata.uid).toBe(await pod('.metadata.uid'));
    expect(await pod('.spec.containers[0].image')).toBe('nginx:1.21');
  });

  it('apply again changes the object that is there', async () => {
    expect((await tasks.run({ type: 'k8s', command: POD })).status).toBe('success');
    const uid = await pod('.metadata.uid');
    const task = await tasks.run({ type: 'k8s', command: POD.replace('nginx:1.21', 'nginx:1.22') });
    expect(task.status, task.error).toBe('success');
    expect([await pod('.metadata.uid'), await pod('.spec.containers[0].image')]).toEqual([uid, 'nginx:1.22']);
  });

  it('example 2: a Deployment in JSON by create', async () => {
    await withoutDeployment();
    const params = { operation: 'create', namespace: 'production' };
    const task = await tasks.run({ type: 'k8s', command: DEPLOYMENT, params });
    expect(task.status, task.error).toBe('success');
    expect(await deployment('.spec.replicas')).toBe('3');
  });

  it('example 3: update of what the manifest names, which is less than a whole object', async () => {
    await withDeployment();
    const params = { operation: 'update', namespace: 'production' };
    const task = await tasks.run({ type: 'k8s', command: replicas(5), params });
    expect(task.status, task.error).toBe('success');
    expect(await deployment('.spec.replicas')).toBe('5');
    expect(await deployment('.spec.template.spec.containers[0].image')).toBe('nginx:1.21');
  });

  it('example 5: a strategic patch', async () => {
    await withDeployment();
    const params = { operation: 'patch', patch_type: 'strategic', namespace: 'production' };
    const task = await tasks.run({ type: 'k8s', command: replicas(10), params });
    expect(task.status, task.error).toBe('success');
    expect(await deployment('.spec.replicas')).toBe('10');
    expect(await deployment('.spec.template.spec.containers[0].image')).toBe('nginx:1.21');
  });

  it('the other types of patches: merge, and json with its list of operations', async () => {
    await withDeployment();
    const merge = { operation: 'patch', patch_type: 'merge' };
    const merged = await tasks.run({ type: 'k8s', command: replicas(11), params: merge });
    expect(merged.status, merged.error).toBe('success');
    expect(await deployment('.spec.replicas')).toBe('11');
    const params = {
      operation: 'patch',
      patch_type: 'json',
      namespace: 'production',
      resource: 'deployment',
      name: 'nginx-deployment',
    };
    const command = '[{"op":"replace","path":"/spec/replicas","value":12}]';
    const patched = await tasks.run({ type: 'k8s', command, params });
    expect(patched.status, patched.error).toBe('success');
    expect(await deployment('.spec.replicas')).toBe('12');
  });

  it('the error of a create of what is there, with its cause', async () => {
    await apply(POD);
    const task = await tasks.run({ type: 'k8s', command: POD, params: { operation: 'create' } });
    expect(task.status).toBe('failed');
    expect(task.error).toContain('failed to create resource: pods "nginx-pod" already exists');
  });

  it('example 4: delete by apiVersion, kind and name', async () => {
    await apply(POD);
    const command = 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: nginx-pod\n  namespace: default';
    const task = await tasks.run({ type: 'k8s', command, params: { operation: 'delete' } });
    expect(task).toMatchObject({ status: 'success', result: 'Resource Pod/nginx-pod deleted successfully' });
    const left = await kubectl('get', 'pod', 'nginx-pod', '--namespace', 'default', '--ignore-not-found');
    // Without a kubelet a Pod ends only when it was never on a node.
    expect(left).toBe('');
  });

  it('the curl example: create of a Pod', async () => {
    await withoutPod();
    const command = POD.replace('\n    ports:\n    - containerPort: 80', '');
    const task = await tasks.run({ type: 'k8s', command, params: { operation: 'create' } });
    expect(task.status, task.error).toBe('success');
    expect(await pod('.spec.containers[0].name')).toBe('nginx');
  });

  it.each(['update', 'delete', 'patch'])('%s of what is not there is an error', async (operation) => {
    const command = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: not-there\n  namespace: default`;
    const task = await tasks.run({ type: 'k8s', command, params: { operation } });
    expect(task.status).toBe('failed');
    expect(task.error).toMatch(/not found/);
  });

  it('several objects in one text, of which --- inside a text is no separator', async () => {
    const command = [
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: first}\ndata:\n  pem: |\n    one\n    ---\n    two\n',
      'apiVersion: v1\nkind: Secret\nmetadata: {name: second}\nstringData: {a: b}\n',
    ].join('---\n');
    const task = await tasks.run({ type: 'k8s', command });
    expect(task.status, task.error).toBe('success');
    const inNamespace = ['--namespace', cluster.namespace, '--output'];
    expect(await kubectl('get', 'configmap', 'first', ...inNamespace, 'jsonpath={.data.pem}')).toBe('one\n---\ntwo\n');
    expect(await kubectl('get', 'secret', 'second', ...inNamespace, 'jsonpath={.data.a}')).toBe('Yg==');
    expect(task.result.split('\n\n')).toHaveLength(2);
  });

  it('the namespace: params before the manifest before the configuration', async () => {
    const manifest = (name: string, namespace?: string): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(namespace && { namespace }) } });
    const place = async (command: string, params: object = {}): Promise<string> => {
      const task = await tasks.run({ type: 'k8s', command, params });
      expect(task.status, task.error).toBe('success');
      return (JSON.parse(task.result) as { metadata: { namespace: string } }).metadata.namespace;
    };
    expect(await place(manifest('a', 'default'), { namespace: 'production' })).toBe('production');
    expect(await place(manifest('b', 'default'))).toBe('default');
    expect(await place(manifest('c'))).toBe(cluster.namespace);
  });

  it('custom resources', async () => {
    const command = `apiVersion: tiangong.io/v1alpha1\nkind: DeployTask\nmetadata: {name: by-a-task, namespace: production}\nspec: {agent: nobody, type: shell, command: "true"}`;
    const task = await tasks.run({ type: 'k8s', command });
    expect(task.status, task.error).toBe('success');
    expect(await kubectl('get', 'deploytask', 'by-a-task', '--namespace', 'production', '--output', 'name')).toContain(
      'by-a-task',
    );
    await kubectl('delete', 'deploytask', 'by-a-task', '--namespace', 'production');
  });

  it('a text that is neither YAML nor JSON, and an object that is none', async () => {
    const bad = await tasks.run({ type: 'k8s', command: 'a: [1, 2' });
    expect(bad).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/failed to parse YAML or JSON: /) as string,
    });
    const nameless = await tasks.run({ type: 'k8s', command: 'apiVersion: v1\nkind: ConfigMap' });
    expect(nameless).toMatchObject({ status: 'failed', error: expect.stringContaining('name is required') as string });
    const invalid = await tasks.run({ type: 'k8s', command: POD.replace('containers:', 'vessels:') });
    expect(invalid.status).toBe('failed');
  });

  it('an operation that is not known', async () => {
    const task = await tasks.run({ type: 'k8s', command: POD, params: { operation: 'explode' } });
    expect(task.status).toBe('failed');
    expect(task.error).toMatch(/^unsupported operation: explode \(supported: create, update, delete, patch, apply/);
  });
});
