import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasCluster, sharedCluster } from '../../../test/kubernetes/shared.ts';
import { TestNamespace, configMap, messages, objectOf } from './testing/test-namespace.ts';
import type { Kept } from './testing/test-namespace.ts';

describe.skipIf(!hasCluster())('K8sExecutor that writes', () => {
  let namespace: TestNamespace;

  beforeEach(async () => {
    namespace = new TestNamespace(await sharedCluster());
  });
  afterEach(() => namespace.executor.close());

  describe('apply', () => {
    it('creates and then changes, with the object as its result and the lines of the manual', async () => {
      const created = await namespace.run(configMap('applied', { a: '1' }));
      expect(messages(created)).toEqual([
        'Processing YAML with operation: apply',
        'Processing manifest 1/1',
        `Applying ConfigMap/applied in namespace ${namespace.name}`,
        'Created ConfigMap/applied',
      ]);
      const object = objectOf(created);
      expect(created.result.toString()).toBe(JSON.stringify(object, null, 2));
      expect(object.metadata.managedFields).toBeUndefined();
      const witness = await namespace.kubectl.get<Kept>('configmap', 'applied');
      expect(witness).toMatchObject({ metadata: { uid: object.metadata.uid }, data: { a: '1' } });
      const changed = await namespace.run(configMap('applied', { b: '2' }));
      expect(messages(changed).at(-1)).toBe('Updated ConfigMap/applied');
      // What is no longer named is gone: it was ours.
      expect((await namespace.kubectl.get<Kept>('configmap', 'applied')).data).toEqual({ b: '2' });
    });

    it('goes on from what a create, an update and a patch of ours wrote', async () => {
      for (const [operation, value] of [
        ['create', '1'],
        ['update', '2'],
        ['patch', '3'],
      ] as const)
        objectOf(await namespace.run(configMap('mixed', { a: value }), { operation }));
      objectOf(await namespace.run(configMap('mixed', { a: '4' })));
      expect((await namespace.kubectl.get<Kept>('configmap', 'mixed')).data).toEqual({ a: '4' });
    });

    it('names the fields and the manager that it would take them from, and takes them when told', async () => {
      await namespace.kubectl.apply(configMap('theirs', { a: 'theirs', b: 'theirs' }));
      const refused = await namespace.run(configMap('theirs', { a: 'ours' }));
      expect(refused.outcome).toMatchObject({ state: 'Failed', reason: 'Conflict' });
      const { message } = refused.outcome;
      expect(message).toContain('kubectl-client-side-apply');
      expect(message).toContain('.data.a');
      expect(message).toContain('params.force');
      expect((await namespace.kubectl.get<Kept>('configmap', 'theirs')).data).toEqual({ a: 'theirs', b: 'theirs' });
      objectOf(await namespace.run(configMap('theirs', { a: 'ours' }), { force: true }));
      expect((await namespace.kubectl.get<Kept>('configmap', 'theirs')).data).toEqual({ a: 'ours', b: 'theirs' });
    });

    it('refuses fields that the server does not know', async () => {
      const { outcome } = await namespace.run(configMap('typo').replace('\ndata:', '\ndota:'), { operation: 'create' });
      expect(outcome).toMatchObject({
        state: 'Failed',
        message: expect.stringContaining('unknown field "dota"') as string,
      });
    });
  });

  describe('update', () => {
    it('changes what the manifest names and keeps the rest, whoever else writes', async () => {
      await namespace.kubectl.apply(configMap('shared', { kept: 'x' }));
      const keys = Array.from({ length: 12 }, (_, i) => `k${i}`);
      const executions = await Promise.all(
        keys.map((key) => namespace.run(configMap('shared', { [key]: '1' }), { operation: 'update' })),
      );
      for (const execution of executions) objectOf(execution);
      const { data } = await namespace.kubectl.get<Kept>('configmap', 'shared');
      expect(data).toEqual({ kept: 'x', ...Object.fromEntries(keys.map((key) => [key, '1'])) });
    });

    it('leaves an object alone that is no longer the version that the manifest names', async () => {
      await namespace.kubectl.apply(configMap('versioned', { a: '1' }));
      const { metadata } = await namespace.kubectl.get<Kept>('configmap', 'versioned');
      await namespace.kubectl.apply(configMap('versioned', { a: '2' }));
      const stale = configMap('versioned', { a: '3' }).replace(
        '  name',
        `  resourceVersion: "${metadata.resourceVersion}"\n  name`,
      );
      for (const operation of ['update', 'patch', 'apply'])
        expect((await namespace.run(stale, { operation, force: true })).outcome, operation).toMatchObject({
          state: 'Failed',
          reason: 'Conflict',
        });
      expect((await namespace.kubectl.get<Kept>('configmap', 'versioned')).data).toEqual({ a: '2' });
    });

    it('removes by null', async () => {
      await namespace.kubectl.apply(configMap('less', { a: '1', b: '2' }));
      objectOf(
        await namespace.run('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: less}\ndata: {a: null}', {
          operation: 'update',
        }),
      );
      expect((await namespace.kubectl.get<Kept>('configmap', 'less')).data).toEqual({ b: '2' });
    });
  });

  describe('patch', () => {
    const deployment = (name: string): string =>
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}}\nspec:\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n      containers:\n      - {name: one, image: "one:1"}\n      - {name: two, image: "two:1"}\n`;
    const images = async (name: string): Promise<string> =>
      namespace.kubectl.out(
        'get',
        'deployment',
        name,
        '--output',
        'jsonpath={.spec.template.spec.containers[*].image}',
      );

    it('merges lists by their keys when strategic, and replaces them when not', async () => {
      await namespace.kubectl.apply(deployment('patched'));
      const change =
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: patched}\nspec: {template: {spec: {containers: [{name: two, image: "two:2"}]}}}';
      objectOf(await namespace.run(change, { operation: 'patch' }));
      expect(await images('patched')).toBe('one:1 two:2');
      objectOf(await namespace.run(change, { operation: 'patch', patch_type: 'merge' }));
      expect(await images('patched')).toBe('two:2');
    });

    it('takes the operations of a json patch alone or in a document', async () => {
      await namespace.kubectl.apply(deployment('operated'));
      const set = (image: string): object[] => [
        { op: 'replace', path: '/spec/template/spec/containers/0/image', value: image },
      ];
      const named = { operation: 'patch', patch_type: 'json', resource: 'deploy', name: 'operated' };
      objectOf(await namespace.run(JSON.stringify(set('one:2')), named));
      expect(await images('operated')).toBe('one:2 two:1');
      objectOf(
        await namespace.run(JSON.stringify(set('one:3')), {
          ...named,
          resource: 'deployments.apps/operated',
          name: undefined,
        }),
      );
      expect(await images('operated')).toBe('one:3 two:1');
      for (const field of ['patch', 'operations']) {
        const document = {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'operated' },
          [field]: set(`${field}:1`),
        };
        objectOf(await namespace.run(JSON.stringify(document), { operation: 'patch', patch_type: 'json' }));
        expect(await images('operated')).toBe(`${field}:1 two:1`);
      }
      const failing = [{ op: 'test', path: '/spec/replicas', value: 77 }];
      expect((await namespace.run(JSON.stringify(failing), named)).outcome).toMatchObject({
        state: 'Failed',
        reason: 'Invalid',
      });
      objectOf(
        await namespace.run('spec: {replicas: 3}', { operation: 'patch', resource: 'deployment', name: 'operated' }),
      );
      expect(
        await namespace.kubectl.out('get', 'deployment', 'operated', '--output', 'jsonpath={.spec.replicas}'),
      ).toBe('3');
    });

    it.each([
      ['[]', { patch_type: 'json' }, 'the patch names no object'],
      ['[]', { patch_type: 'merge', resource: 'cm', name: 'a' }, 'an array of operations needs params.patch_type json'],
      ['a: 1', { patch_type: 'json', resource: 'cm', name: 'a' }, 'a json patch must be an array of operations'],
      [configMap('a'), { patch_type: 'json' }, 'a json patch is an array of operations'],
      ['[]', { patch_type: 'json', resource: 'nothing', name: 'a' }, 'no matches for kind "nothing"'],
    ])('says what is wrong with %s and %j', async (command, params, message) => {
      const { outcome } = await namespace.run(command, { operation: 'patch', ...params });
      expect(outcome).toMatchObject({ state: 'Failed', message: expect.stringContaining(message) as string });
    });
  });
});
