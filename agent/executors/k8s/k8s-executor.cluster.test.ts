import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasCluster, sharedCluster } from '../../../test/kubernetes/shared.ts';
import { execute } from '../../conformance/executor.ts';
import type { TaskFile } from '../../files/task-file.ts';
import { TestNamespace, configMap, messages, objectOf } from './testing/test-namespace.ts';
import type { Kept } from './testing/test-namespace.ts';

describe.skipIf(!hasCluster())('K8sExecutor on a real kube-apiserver', () => {
  let namespace: TestNamespace;

  beforeEach(async () => {
    namespace = new TestNamespace(await sharedCluster());
  });
  afterEach(() => namespace.executor.close());

  describe('several documents', () => {
    it('are done in order up to the first that fails, which is named', async () => {
      await namespace.kubectl.apply(configMap('there'));
      const text = ['one', 'there', 'three'].map((name) => configMap(name)).join('---\n');
      const execution = await namespace.run(text, { operation: 'create' });
      expect(execution.outcome).toEqual({
        state: 'Failed',
        reason: 'AlreadyExists',
        message:
          'failed to process manifest 2: failed to create resource: configmaps "there" already exists; created before: ConfigMap/one',
      });
      expect(JSON.parse(execution.result.toString())).toMatchObject({ metadata: { name: 'one' } });
      expect((await namespace.kubectl.run(['get', 'configmap', 'three'])).code).toBe(1);
      expect(messages(execution)).toContain('Processing manifest 2/3');
      expect(execution.evidence).toEqual(
        ['one', 'there'].map(
          (name, index) => `create of ConfigMap/${name} in namespace ${namespace.name}, manifest ${index + 1}/3`,
        ),
      );
    });

    it.each([
      ['a syntax error in the last', 'a: [', /^failed to parse YAML or JSON: /],
      [
        'a kind that is not there',
        'apiVersion: example.com/v1\nkind: Nothing\nmetadata: {name: a}',
        /^failed to process manifest 2: no matches for kind "Nothing" in version "example.com\/v1"; nothing was done$/,
      ],
      [
        'an object without a name',
        'apiVersion: v1\nkind: ConfigMap',
        /^failed to process manifest 2: resource name is required; nothing was done$/,
      ],
    ])('change nothing with %s', async (_what, second, message) => {
      const { outcome, result } = await namespace.run(`${configMap('never')}---\n${second}`);
      expect([outcome.message, result.length]).toEqual([expect.stringMatching(message), 0]);
      expect((await namespace.kubectl.run(['get', 'configmap', 'never'])).code).toBe(1);
    });

    it('give their objects with an empty line between, those of a List too', async () => {
      const list = {
        apiVersion: 'v1',
        kind: 'List',
        items: [1, 2].map((n) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `l${n}` } })),
      };
      const { result, outcome } = await namespace.run(`${JSON.stringify(list)}\n---\n${configMap('l3')}`);
      expect(outcome).toEqual({ state: 'Succeeded', message: '3 resources applied' });
      const names = result
        .toString()
        .split('\n\n')
        .map((part) => (JSON.parse(part) as Kept).metadata.name);
      expect(names).toEqual(['l1', 'l2', 'l3']);
    });
  });

  it('decides the namespace: params, then the manifest, then the configuration; of kinds without one none', async () => {
    const other = `${namespace.name}-other`;
    objectOf(
      await namespace.run(`apiVersion: v1\nkind: Namespace\nmetadata: {name: ${other}}`, {
        namespace: namespace.name,
        wait: true,
      }),
    );
    const inManifest = configMap('placed').replace('  name', `  namespace: ${other}\n  name`);
    expect(objectOf(await namespace.run(inManifest)).metadata.namespace).toBe(other);
    expect(objectOf(await namespace.run(inManifest, { namespace: namespace.name })).metadata.namespace).toBe(
      namespace.name,
    );
    expect(objectOf(await namespace.run(configMap('placed-here'))).metadata.namespace).toBe(namespace.name);
    const missing = await namespace.run(configMap('a'), { namespace: 'not-there', operation: 'create' });
    expect(missing.outcome).toMatchObject({ message: 'failed to create resource: namespaces "not-there" not found' });
  });

  it('creates what the server shall name', async () => {
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: made-}';
    expect(objectOf(await namespace.run(text, { operation: 'create' })).metadata.name).toMatch(/^made-\w+$/);
    expect((await namespace.run(text)).outcome).toMatchObject({
      state: 'Failed',
      message: 'resource name is required',
    });
  });

  it('handles custom kinds, also one that the same text defines', async () => {
    const group = `${namespace.name}.example.com`;
    const crd = `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: gadgets.${group}}\nspec:\n  group: ${group}\n  scope: Namespaced\n  names: {kind: Gadget, plural: gadgets, singular: gadget, shortNames: [gd]}\n  versions:\n  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}\n`;
    const gadget = (size: number): string =>
      `apiVersion: ${group}/v1\nkind: Gadget\nmetadata: {name: first}\nsize: ${size}\n`;
    const both = await namespace.run(`${crd}---\n${gadget(1)}`);
    expect(both.outcome).toEqual({ state: 'Succeeded', message: '2 resources applied' });
    objectOf(await namespace.run(gadget(2), { operation: 'patch' }));
    objectOf(await namespace.run(gadget(3), { operation: 'update' }));
    expect(objectOf(await namespace.run('gd/first', { operation: 'get' }))).toMatchObject({ size: 3 });
    const gone = await namespace.run(`${gadget(1)}---\n${crd}`, { operation: 'delete', wait: true });
    expect(gone.result.toString()).toBe(
      `Resource Gadget/first deleted successfully\n\nResource CustomResourceDefinition/gadgets.${group} deleted successfully`,
    );
    // The kind is gone, whatever was known of it before.
    expect((await namespace.run(gadget(1))).outcome).toMatchObject({ state: 'Failed', reason: 'NoMatchForKind' });
    expect((await namespace.run(gadget(1))).outcome.message).toBe(
      `no matches for kind "Gadget" in version "${group}/v1"`,
    );
  });

  it('tries everything and changes nothing in a dry run', async () => {
    await namespace.kubectl.apply(configMap('tried', { a: '1' }));
    const before = await namespace.kubectl.get<Kept>('configmap', 'tried');
    for (const operation of ['apply', 'update', 'patch'])
      expect(
        objectOf(await namespace.run(configMap('tried', { b: '2' }), { operation, dry_run: true })).data,
      ).toMatchObject({
        b: '2',
      });
    await namespace.run(configMap('tried'), { operation: 'delete', dry_run: true, wait: true });
    expect((await namespace.kubectl.get<Kept>('configmap', 'tried')).metadata.resourceVersion).toBe(
      before.metadata.resourceVersion,
    );
    objectOf(await namespace.run(configMap('not-made'), { operation: 'create', dry_run: true }));
    expect((await namespace.kubectl.run(['get', 'configmap', 'not-made'])).code).toBe(1);
    const half = await namespace.run(`${configMap('not-made')}---\n${configMap('tried')}`, {
      operation: 'create',
      dry_run: true,
    });
    expect(half.outcome.message).toBe(
      'failed to process manifest 2: failed to create resource: configmaps "tried" already exists; nothing was done (dry run)',
    );
  });

  it("reads the task's file instead of its command, also packed", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tiangong-k8s-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    let released = 0;
    const file = (name: string, bytes: Buffer): TaskFile => {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      return { id: 'file-1', path, name, bytes: bytes.length, release: () => (released += 1) };
    };
    for (const [name, pack] of [
      ['plain.yaml', (text: string) => Buffer.from(text)],
      ['packed.yaml.gz', gzipSync],
    ] as const) {
      const [object = ''] = name.split('.');
      const execution = await execute(namespace.executor, {
        command: 'ignored',
        file: file(name, pack(configMap(object))),
      });
      expect(objectOf(execution).metadata.name).toBe(object);
    }
    const huge = file('huge.yaml', Buffer.alloc(5 * 1024 * 1024, '#'));
    expect((await execute(namespace.executor, { file: huge })).outcome).toMatchObject({
      reason: 'InvalidManifest',
      message: expect.stringContaining('huge.yaml has more than') as string,
    });
    expect(released).toBe(3);
  });

  it('passes the warnings of the server on', async () => {
    const text =
      'apiVersion: v1\nkind: Pod\nmetadata: {name: warned}\nspec: {containers: [{name: a, image: a, env: [{name: A, value: "1"}, {name: A, value: "2"}]}]}';
    const { log } = await namespace.run(text, { operation: 'create' });
    expect(log).toContainEqual({
      level: 'warn',
      message: expect.stringMatching(/^Warning: spec.containers.*hides previous/) as string,
    });
  });

  it('shows no value of a Secret, not even in errors', async () => {
    const password = 'swordfish-0815';
    const secret = (more = ''): string =>
      `apiVersion: v1\nkind: Secret\nmetadata: {name: kept}\nstringData: {password: ${password}}\n${more}`;
    const executions = [
      await namespace.run(secret(), { operation: 'create' }),
      await namespace.run(secret()),
      await namespace.run(secret(), { operation: 'update' }),
      await namespace.run(secret(), { operation: 'patch' }),
      await namespace.run(secret(`data: {other: "${password}"}`)),
      await namespace.run(secret(`type: ${password}`), { operation: 'update' }),
      await namespace.run(`[{"op":"replace","path":"/data/password","value":"${password}"}]`, {
        operation: 'patch',
        patch_type: 'json',
        resource: 'secret',
        name: 'kept',
      }),
      ...(await Promise.all(
        ['merge', 'strategic'].map((patch_type) =>
          namespace.run('{"bogus":1}', { operation: 'patch', patch_type, resource: 'secret', name: 'kept' }),
        ),
      )),
      await namespace.run('secrets', { operation: 'get' }),
    ];
    expect(executions.map(({ outcome }) => outcome.state)).toEqual([
      'Succeeded',
      'Succeeded',
      'Succeeded',
      'Succeeded',
      'Failed',
      'Failed',
      'Failed',
      'Failed',
      'Failed',
      'Succeeded',
    ]);
    const shown = executions.map((execution) => JSON.stringify([execution, execution.result.toString()])).join('\n');
    for (const form of [password, Buffer.from(password).toString('base64')]) expect(shown).not.toContain(form);
    const { data } = await namespace.kubectl.get<Kept>('secret', 'kept');
    expect(Buffer.from(data?.['password'] ?? '', 'base64').toString()).toBe(password);
  });
});
