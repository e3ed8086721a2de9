import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { execute } from '../agent/conformance/executor.ts';
import type { Execution } from '../agent/conformance/executor.ts';
import { K8sExecutor } from '../agent/executors/k8s/k8s-executor.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Resource } from '../kube/resource.ts';
import { startTestServer, userNamed } from './apiserver/testing/test-server.ts';
import type { TestServer } from './apiserver/testing/test-server.ts';
import { serverCertificate } from './certificate.ts';
import { kubeconfig } from './kubeconfig.ts';

interface Kept extends KubeObject {
  readonly data?: Record<string, string>;
  readonly spec?: Record<string, unknown>;
}
const configMaps: Resource<Kept> = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };
const secrets: Resource<Kept> = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };

const configMap = (name: string, data: Record<string, string>): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

describe('k8s tasks on the embedded server', () => {
  let test: TestServer;
  let folder: string;
  let executor: K8sExecutor;

  beforeEach(async () => {
    const token = 'token-of-tasks';
    test = await startTestServer({ tokens: new Map([[token, userNamed('tasks')]]) });
    folder = mkdtempSync(join(tmpdir(), 'tiangong-k8s-'));
    const tls = await serverCertificate(join(folder, 'pki'), []);
    const { port } = await test.server.listen({ host: '127.0.0.1', port: 0, tls });
    const path = join(folder, 'kubeconfig');
    const server = `https://127.0.0.1:${port}`;
    writeFileSync(path, kubeconfig({ server, certificate: tls.cert, user: 'tasks', token, namespace: 'default' }));
    executor = new K8sExecutor({ kubeconfig: path });
  });
  afterEach(async () => {
    await executor.close();
    await test.stop();
    rmSync(folder, { recursive: true });
  });

  const run = (command: string, params: Record<string, unknown> = {}): Promise<Execution> =>
    execute(executor, { command, params });
  const objectOf = ({ result, outcome }: Execution): Kept => {
    expect(outcome).toMatchObject({ state: 'Succeeded' });
    return JSON.parse(result.toString()) as Kept;
  };
  const stored = (name: string): Promise<Kept> => test.admin.get(configMaps, 'default', name);

  it('applies by create and then by a three-way merge, for the server has no apply of its own', async () => {
    const created = await run(configMap('applied', { a: '1', b: '1' }));
    expect(objectOf(created)).toMatchObject({ kind: 'ConfigMap', data: { a: '1', b: '1' } });
    expect(created.log.at(-1)?.message).toBe('Created ConfigMap/applied');
    // Others' fields stay, ours that are no longer named go.
    await test.admin.patch(configMaps, 'default', 'applied', { data: { theirs: 'x' } });
    const changed = await run(configMap('applied', { a: '2' }));
    expect(changed.log.at(-1)?.message).toBe('Updated ConfigMap/applied');
    expect((await stored('applied')).data).toEqual({ a: '2', theirs: 'x' });
    // Nothing to change: not written.
    const { resourceVersion } = (await stored('applied')).metadata;
    expect(objectOf(await run(configMap('applied', { a: '2' }))).metadata.resourceVersion).toBe(resourceVersion);
  });

  it('says what to do with an object that is too large for apply', async () => {
    const large = configMap('large', { a: 'x'.repeat(300 * 1024) });
    const { outcome } = await run(large);
    expect(outcome).toMatchObject({
      state: 'Failed',
      reason: 'Invalid',
      message: expect.stringMatching(
        /^failed to apply resource: .*Too long.*; this server has no server-side apply, .* use the operation create or update /,
      ) as string,
    });
    objectOf(await run(large, { operation: 'create' }));
  });

  it('deletes only the very object and version that the manifest names', async () => {
    objectOf(await run(configMap('meant', {}), { operation: 'create' }));
    const { uid, resourceVersion } = (await stored('meant')).metadata;
    const remove = async (fields: object): Promise<string | undefined> => {
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'meant', ...fields } };
      const { outcome } = await run(JSON.stringify(object), { operation: 'delete' });
      return outcome.state === 'Failed' ? outcome.reason : outcome.state;
    };
    expect(await remove({ uid: '00000000-0000-0000-0000-000000000000' })).toBe('Conflict');
    expect(await remove({ resourceVersion: '1' })).toBe('Conflict');
    expect(await remove({ uid, resourceVersion })).toBe('Succeeded');
  });

  it('creates, updates, patches and deletes, with the errors of the manual', async () => {
    objectOf(await run(configMap('walk', { a: '1' }), { operation: 'create' }));
    expect((await run(configMap('walk', {}), { operation: 'create' })).outcome).toEqual({
      state: 'Failed',
      reason: 'AlreadyExists',
      message: 'failed to create resource: configmaps "walk" already exists',
    });
    objectOf(await run(configMap('walk', { b: '2' }), { operation: 'update' }));
    objectOf(await run(configMap('walk', { c: '3' }), { operation: 'patch' }));
    expect((await stored('walk')).data).toEqual({ a: '1', b: '2', c: '3' });
    const operations = [{ op: 'remove', path: '/data/a' }];
    const named = { operation: 'patch', patch_type: 'json', resource: 'cm', name: 'walk' };
    objectOf(await run(JSON.stringify(operations), named));
    expect((await stored('walk')).data).toEqual({ b: '2', c: '3' });
    const gone = await run(configMap('walk', {}), { operation: 'delete', wait: true });
    expect(gone.result.toString()).toBe('Resource ConfigMap/walk deleted successfully');
    for (const operation of ['update', 'delete', 'patch'])
      expect((await run(configMap('walk', {}), { operation })).outcome).toEqual({
        state: 'Failed',
        reason: 'NotFound',
        message: 'resource not found: configmaps "walk" not found',
      });
  });

  it('keeps a Secret and shows none of it', async () => {
    const password = 'swordfish-4711';
    const secret = (values: Record<string, string>): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'kept' }, stringData: values });
    const executions = [
      await run(secret({ password, other: 'elsewhere' })),
      await run(secret({ password })),
      await run('secret/kept', { operation: 'get' }),
      await run('secrets', { operation: 'get', output: 'yaml' }),
      await run('Secret/kept', { operation: 'describe' }),
      await run(secret({ password }), { operation: 'create' }),
    ];
    const { data } = await test.admin.get(secrets, 'default', 'kept');
    expect(data).toEqual({ password: Buffer.from(password).toString('base64') });
    const shown = executions.map((execution) => JSON.stringify([execution, execution.result.toString()])).join('\n');
    expect(shown).not.toContain(password);
    expect(shown).not.toContain(Buffer.from(password).toString('base64'));
    expect(objectOf(await run('secret/kept', { operation: 'get' })).data).toEqual({ password: '***' });
  });

  it('sends a merge patch where a custom kind takes no strategic one', async () => {
    const task = { apiVersion: 'tiangong.io/v1alpha1', kind: 'DeployTask', metadata: { name: 'by-a-task' } };
    const spec = { agent: 'nobody', type: 'shell', command: 'true' };
    objectOf(await run(JSON.stringify({ ...task, spec })));
    const patched = await run(JSON.stringify({ ...task, metadata: { name: 'by-a-task', labels: { a: 'b' } } }), {
      operation: 'patch',
    });
    expect(objectOf(patched).metadata.labels).toEqual({ a: 'b' });
    expect(patched.log.map(({ message }) => message).join('\n')).toContain('is sent as a merge patch');
    const status = await run(JSON.stringify({ ...task, status: { state: 'Succeeded' } }), { operation: 'update' });
    expect(objectOf(status)).not.toHaveProperty('status.state', 'Succeeded');
  });

  it('tries what would be done and changes nothing', async () => {
    const dry = { dry_run: true };
    expect(objectOf(await run(configMap('dry', { a: '1' }), dry)).data).toEqual({ a: '1' });
    await expect(stored('dry')).rejects.toMatchObject({ code: 404 });
    objectOf(await run(configMap('dry', { a: '1' })));
    expect(objectOf(await run(configMap('dry', { a: '2' }), { ...dry, operation: 'update' })).data).toEqual({ a: '2' });
    expect((await run(configMap('dry', {}), { ...dry, operation: 'delete' })).result.toString()).toBe(
      'Resource ConfigMap/dry deleted successfully (dry run)',
    );
    expect((await stored('dry')).data).toEqual({ a: '1' });
  });

  it('brings a CRD and an object of it in one text', async () => {
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: { type: 'object', properties: { size: { type: 'integer' } } },
            },
          },
        ],
      },
    };
    const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'first' }, size: 3 };
    const { outcome } = await run(`${JSON.stringify(crd)}\n---\n${JSON.stringify(widget)}`, { wait: true });
    expect(outcome).toEqual({ state: 'Succeeded', message: '2 resources applied' });
    expect(objectOf(await run('widget/first', { operation: 'get' }))).toMatchObject({ size: 3 });
  });

  it('says what the server does not have', async () => {
    const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}';
    expect((await run(pod)).outcome).toEqual({
      state: 'Failed',
      reason: 'NoMatchForKind',
      message: 'no matches for kind "Pod" in version "v1"',
    });
    const { outcome } = await run(configMap('a', {}), { service_account: 'deployer' });
    expect(outcome).toMatchObject({
      state: 'Failed',
      reason: 'ServiceAccountUnavailable',
      message: expect.stringContaining('this server issues no tokens for service accounts') as string,
    });
  });

  it('has no right on the states of tasks', async () => {
    const path = '/apis/tiangong.io/v1alpha1/namespaces/default/deploytasks/by-a-task/status';
    const tasks = test.client(userNamed('tasks'));
    const body = JSON.stringify({ status: { state: 'Assigned' } });
    const contentType = 'application/merge-patch+json';
    await expect(tasks.raw({ method: 'PATCH', path, body, contentType })).rejects.toMatchObject({ code: 403 });
  });
});
