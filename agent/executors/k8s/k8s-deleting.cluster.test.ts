import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hasCluster, sharedCluster } from '../../../test/kubernetes/shared.ts';
import { TestNamespace, configMap } from './testing/test-namespace.ts';
import type { Kept } from './testing/test-namespace.ts';

describe.skipIf(!hasCluster())('K8sExecutor that deletes', () => {
  let namespace: TestNamespace;

  beforeEach(async () => {
    namespace = new TestNamespace(await sharedCluster());
  });
  afterEach(() => namespace.executor.close());

  it('deletes with what depends on the object left to the garbage collector', async () => {
    const job =
      'apiVersion: batch/v1\nkind: Job\nmetadata: {name: job}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}';
    await namespace.kubectl.apply(job);
    expect((await namespace.run(job, { operation: 'delete' })).outcome).toEqual({
      state: 'Succeeded',
      message: 'Job/job deleted',
    });
    expect((await namespace.kubectl.run(['get', 'job', 'job'])).code).toBe(1);
  });

  it('takes a kind that is gone for gone objects of it', async () => {
    const group = `gone.${namespace.name}.example.com`;
    const crd = `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: gizmos.${group}}\nspec:\n  group: ${group}\n  scope: Namespaced\n  names: {kind: Gizmo, plural: gizmos, singular: gizmo}\n  versions:\n  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}\n`;
    const gizmo = `apiVersion: ${group}/v1\nkind: Gizmo\nmetadata: {name: first}\n`;
    // The first that is waited for goes only when the kind of the next one is gone.
    const held = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, finalizers: [example.com/hold]}\n';
    expect((await namespace.run([held, crd, gizmo].join('---\n'))).outcome).toMatchObject({ state: 'Succeeded' });
    const deleting = namespace.run([held, gizmo, crd].join('---\n'), { operation: 'delete', wait: true });
    await vi.waitFor(async () =>
      expect((await namespace.kubectl.run(['get', 'gizmos'])).stderr).toMatch(/not find|doesn't have/),
    );
    await namespace.kubectl.out(
      'patch',
      'configmap',
      'held',
      '--type=merge',
      '--patch={"metadata":{"finalizers":null}}',
    );
    expect((await deleting).outcome).toEqual({ state: 'Succeeded', message: '3 resources deleted' });
  });

  it('deletes only the very object and the very version that the manifest names', async () => {
    await namespace.kubectl.apply(configMap('meant', { a: '1' }));
    const { metadata } = await namespace.kubectl.get<Kept>('configmap', 'meant');
    const { uid, resourceVersion } = metadata;
    const manifest = (fields: object): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'meant', ...fields } });
    for (const other of [
      { uid: '00000000-0000-0000-0000-000000000000' },
      { uid, resourceVersion: '1' },
      { resourceVersion: '1' },
    ])
      expect((await namespace.run(manifest(other), { operation: 'delete' })).outcome).toMatchObject({
        state: 'Failed',
        reason: 'Conflict',
        message: expect.stringMatching(/^failed to delete resource: .*[Pp]recondition/) as string,
      });
    expect((await namespace.kubectl.get<Kept>('configmap', 'meant')).metadata.uid).toBe(uid);
    expect((await namespace.run(manifest({ uid, resourceVersion }), { operation: 'delete' })).outcome.state).toBe(
      'Succeeded',
    );
  });

  it.each(['..', 'a/b', 'a%2Fb'])('says that %j is no name, of an object or of its namespace', async (name) => {
    for (const metadata of [{ name }, { name: 'a', namespace: name }])
      expect(
        (
          await namespace.run(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata }), {
            operation: 'delete',
          })
        ).outcome,
      ).toEqual({
        state: 'Failed',
        reason: 'InvalidManifest',
        message: `"${name}" is no name of a Kubernetes object`,
      });
  });

  it('deletes what is named by kind and name, but never all of a kind', async () => {
    await namespace.kubectl.apply(['by-command', 'by-params'].map((name) => configMap(name)).join('---\n'));
    expect((await namespace.run('cm/by-command', { operation: 'delete' })).result.toString()).toBe(
      'Resource ConfigMap/by-command deleted successfully',
    );
    const named = { operation: 'delete', resource: 'configmap', name: 'by-params' };
    expect((await namespace.run('', named)).outcome).toEqual({
      state: 'Succeeded',
      message: 'ConfigMap/by-params deleted',
    });
    expect((await namespace.run('cm', { operation: 'delete' })).outcome).toEqual({
      state: 'Failed',
      reason: 'InvalidParams',
      message: 'resource name is required',
    });
  });
});
