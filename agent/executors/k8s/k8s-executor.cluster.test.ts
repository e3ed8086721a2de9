import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { hasCluster, sharedCluster } from '../../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../../test/kubernetes/shared.ts';
import { execute } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import type { TaskFile } from '../../files/task-file.ts';
import { K8sExecutor } from './k8s-executor.ts';
import { Kubectl } from './testing/kubectl.ts';

interface Kept {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Record<string, string>;
    readonly managedFields?: unknown;
  };
  readonly data?: Record<string, string>;
  readonly spec?: Record<string, unknown>;
}

const configMap = (name: string, data: Readonly<Record<string, string>> = {}): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata: ${JSON.stringify(data)}\n`;

describe.skipIf(!hasCluster())('K8sExecutor on a real kube-apiserver', () => {
  let cluster: SharedCluster;
  let kubectl: Kubectl;
  let executor: K8sExecutor;

  beforeAll(async () => {
    cluster = await sharedCluster();
    kubectl = new Kubectl(cluster.kubeconfig(), cluster.namespace);
    executor = new K8sExecutor({ kubeconfig: cluster.kubeconfig(), namespace: cluster.namespace });
  });
  afterAll(() => executor.close());

  const run = (command: string, params: Record<string, unknown> = {}): Promise<Execution> =>
    execute(executor, { command, params });
  const objectOf = ({ result, outcome }: Execution): Kept => {
    expect(outcome).toMatchObject({ state: 'Succeeded' });
    return JSON.parse(result.toString()) as Kept;
  };
  const messages = ({ log }: Execution): string[] => log.map(({ message }) => message);

  describe('apply', () => {
    it('creates and then changes, with the object as its result and the lines of the manual', async () => {
      const created = await run(configMap('applied', { a: '1' }));
      expect(messages(created)).toEqual([
        'Processing YAML with operation: apply',
        'Processing manifest 1/1',
        `Applying ConfigMap/applied in namespace ${cluster.namespace}`,
        'Created ConfigMap/applied',
      ]);
      const object = objectOf(created);
      expect(created.result.toString()).toBe(JSON.stringify(object, null, 2));
      expect(object.metadata.managedFields).toBeUndefined();
      const witness = await kubectl.get<Kept>('configmap', 'applied');
      expect(witness).toMatchObject({ metadata: { uid: object.metadata.uid }, data: { a: '1' } });
      const changed = await run(configMap('applied', { b: '2' }));
      expect(messages(changed).at(-1)).toBe('Updated ConfigMap/applied');
      // What is no longer named is gone: it was ours.
      expect((await kubectl.get<Kept>('configmap', 'applied')).data).toEqual({ b: '2' });
    });

    it('goes on from what a create, an update and a patch of ours wrote', async () => {
      for (const [operation, value] of [
        ['create', '1'],
        ['update', '2'],
        ['patch', '3'],
      ] as const)
        objectOf(await run(configMap('mixed', { a: value }), { operation }));
      objectOf(await run(configMap('mixed', { a: '4' })));
      expect((await kubectl.get<Kept>('configmap', 'mixed')).data).toEqual({ a: '4' });
    });

    it('names the fields and the manager that it would take them from, and takes them when told', async () => {
      await kubectl.apply(configMap('theirs', { a: 'theirs', b: 'theirs' }));
      const refused = await run(configMap('theirs', { a: 'ours' }));
      expect(refused.outcome).toMatchObject({ state: 'Failed', reason: 'Conflict' });
      const { message } = refused.outcome;
      expect(message).toContain('kubectl-client-side-apply');
      expect(message).toContain('.data.a');
      expect(message).toContain('params.force');
      expect((await kubectl.get<Kept>('configmap', 'theirs')).data).toEqual({ a: 'theirs', b: 'theirs' });
      objectOf(await run(configMap('theirs', { a: 'ours' }), { force: true }));
      expect((await kubectl.get<Kept>('configmap', 'theirs')).data).toEqual({ a: 'ours', b: 'theirs' });
    });

    it('refuses fields that the server does not know', async () => {
      const { outcome } = await run(configMap('typo').replace('\ndata:', '\ndota:'), { operation: 'create' });
      expect(outcome).toMatchObject({
        state: 'Failed',
        message: expect.stringContaining('unknown field "dota"') as string,
      });
    });
  });

  describe('several documents', () => {
    it('are done in order up to the first that fails, which is named', async () => {
      await kubectl.apply(configMap('there'));
      const text = ['one', 'there', 'three'].map((name) => configMap(name)).join('---\n');
      const execution = await run(text, { operation: 'create' });
      expect(execution.outcome).toEqual({
        state: 'Failed',
        reason: 'AlreadyExists',
        message:
          'failed to process manifest 2: failed to create resource: configmaps "there" already exists; created before: ConfigMap/one',
      });
      expect(JSON.parse(execution.result.toString())).toMatchObject({ metadata: { name: 'one' } });
      expect((await kubectl.run(['get', 'configmap', 'three'])).code).toBe(1);
      expect(messages(execution)).toContain('Processing manifest 2/3');
      expect(execution.evidence).toEqual(
        ['one', 'there'].map(
          (name, index) => `create of ConfigMap/${name} in namespace ${cluster.namespace}, manifest ${index + 1}/3`,
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
      const { outcome, result } = await run(`${configMap('never')}---\n${second}`);
      expect([outcome.message, result.length]).toEqual([expect.stringMatching(message), 0]);
      expect((await kubectl.run(['get', 'configmap', 'never'])).code).toBe(1);
    });

    it('give their objects with an empty line between, those of a List too', async () => {
      const list = {
        apiVersion: 'v1',
        kind: 'List',
        items: [1, 2].map((n) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `l${n}` } })),
      };
      const { result, outcome } = await run(`${JSON.stringify(list)}\n---\n${configMap('l3')}`);
      expect(outcome).toEqual({ state: 'Succeeded', message: '3 resources applied' });
      const names = result
        .toString()
        .split('\n\n')
        .map((part) => (JSON.parse(part) as Kept).metadata.name);
      expect(names).toEqual(['l1', 'l2', 'l3']);
    });
  });

  describe('update', () => {
    it('changes what the manifest names and keeps the rest, whoever else writes', async () => {
      await kubectl.apply(configMap('shared', { kept: 'x' }));
      const keys = Array.from({ length: 12 }, (_, i) => `k${i}`);
      const executions = await Promise.all(
        keys.map((key) => run(configMap('shared', { [key]: '1' }), { operation: 'update' })),
      );
      for (const execution of executions) objectOf(execution);
      const { data } = await kubectl.get<Kept>('configmap', 'shared');
      expect(data).toEqual({ kept: 'x', ...Object.fromEntries(keys.map((key) => [key, '1'])) });
    });

    it('leaves an object alone that is no longer the version that the manifest names', async () => {
      await kubectl.apply(configMap('versioned', { a: '1' }));
      const { metadata } = await kubectl.get<Kept>('configmap', 'versioned');
      await kubectl.apply(configMap('versioned', { a: '2' }));
      const stale = configMap('versioned', { a: '3' }).replace(
        '  name',
        `  resourceVersion: "${metadata.resourceVersion}"\n  name`,
      );
      for (const operation of ['update', 'patch', 'apply'])
        expect((await run(stale, { operation, force: true })).outcome, operation).toMatchObject({
          state: 'Failed',
          reason: 'Conflict',
        });
      expect((await kubectl.get<Kept>('configmap', 'versioned')).data).toEqual({ a: '2' });
    });

    it('removes by null', async () => {
      await kubectl.apply(configMap('less', { a: '1', b: '2' }));
      objectOf(
        await run('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: less}\ndata: {a: null}', { operation: 'update' }),
      );
      expect((await kubectl.get<Kept>('configmap', 'less')).data).toEqual({ b: '2' });
    });
  });

  describe('patch', () => {
    const deployment = (name: string): string =>
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}}\nspec:\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n      containers:\n      - {name: one, image: "one:1"}\n      - {name: two, image: "two:1"}\n`;
    const images = async (name: string): Promise<string> =>
      kubectl.out('get', 'deployment', name, '--output', 'jsonpath={.spec.template.spec.containers[*].image}');

    it('merges lists by their keys when strategic, and replaces them when not', async () => {
      await kubectl.apply(deployment('patched'));
      const change =
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: patched}\nspec: {template: {spec: {containers: [{name: two, image: "two:2"}]}}}';
      objectOf(await run(change, { operation: 'patch' }));
      expect(await images('patched')).toBe('one:1 two:2');
      objectOf(await run(change, { operation: 'patch', patch_type: 'merge' }));
      expect(await images('patched')).toBe('two:2');
    });

    it('takes the operations of a json patch alone or in a document', async () => {
      await kubectl.apply(deployment('operated'));
      const set = (image: string): object[] => [
        { op: 'replace', path: '/spec/template/spec/containers/0/image', value: image },
      ];
      const named = { operation: 'patch', patch_type: 'json', resource: 'deploy', name: 'operated' };
      objectOf(await run(JSON.stringify(set('one:2')), named));
      expect(await images('operated')).toBe('one:2 two:1');
      objectOf(
        await run(JSON.stringify(set('one:3')), { ...named, resource: 'deployments.apps/operated', name: undefined }),
      );
      expect(await images('operated')).toBe('one:3 two:1');
      for (const field of ['patch', 'operations']) {
        const document = {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'operated' },
          [field]: set(`${field}:1`),
        };
        objectOf(await run(JSON.stringify(document), { operation: 'patch', patch_type: 'json' }));
        expect(await images('operated')).toBe(`${field}:1 two:1`);
      }
      const failing = [{ op: 'test', path: '/spec/replicas', value: 77 }];
      expect((await run(JSON.stringify(failing), named)).outcome).toMatchObject({ state: 'Failed', reason: 'Invalid' });
      objectOf(await run('spec: {replicas: 3}', { operation: 'patch', resource: 'deployment', name: 'operated' }));
      expect(await kubectl.out('get', 'deployment', 'operated', '--output', 'jsonpath={.spec.replicas}')).toBe('3');
    });

    it.each([
      ['[]', { patch_type: 'json' }, 'the patch names no object'],
      ['[]', { patch_type: 'merge', resource: 'cm', name: 'a' }, 'an array of operations needs params.patch_type json'],
      ['a: 1', { patch_type: 'json', resource: 'cm', name: 'a' }, 'a json patch must be an array of operations'],
      [configMap('a'), { patch_type: 'json' }, 'a json patch is an array of operations'],
      ['[]', { patch_type: 'json', resource: 'nothing', name: 'a' }, 'no matches for kind "nothing"'],
    ])('says what is wrong with %s and %j', async (command, params, message) => {
      const { outcome } = await run(command, { operation: 'patch', ...params });
      expect(outcome).toMatchObject({ state: 'Failed', message: expect.stringContaining(message) as string });
    });
  });

  it('decides the namespace: params, then the manifest, then the configuration; of kinds without one none', async () => {
    const other = `${cluster.namespace}-other`;
    objectOf(
      await run(`apiVersion: v1\nkind: Namespace\nmetadata: {name: ${other}}`, {
        namespace: cluster.namespace,
        wait: true,
      }),
    );
    const inManifest = configMap('placed').replace('  name', `  namespace: ${other}\n  name`);
    expect(objectOf(await run(inManifest)).metadata.namespace).toBe(other);
    expect(objectOf(await run(inManifest, { namespace: cluster.namespace })).metadata.namespace).toBe(
      cluster.namespace,
    );
    expect(objectOf(await run(configMap('placed-here'))).metadata.namespace).toBe(cluster.namespace);
    const missing = await run(configMap('a'), { namespace: 'not-there', operation: 'create' });
    expect(missing.outcome).toMatchObject({ message: 'failed to create resource: namespaces "not-there" not found' });
  });

  it('creates what the server shall name', async () => {
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: made-}';
    expect(objectOf(await run(text, { operation: 'create' })).metadata.name).toMatch(/^made-\w+$/);
    expect((await run(text)).outcome).toMatchObject({ state: 'Failed', message: 'resource name is required' });
  });

  it('handles custom kinds, also one that the same text defines', async () => {
    const group = `${cluster.namespace}.example.com`;
    const crd = `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: gadgets.${group}}\nspec:\n  group: ${group}\n  scope: Namespaced\n  names: {kind: Gadget, plural: gadgets, singular: gadget, shortNames: [gd]}\n  versions:\n  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}\n`;
    const gadget = (size: number): string =>
      `apiVersion: ${group}/v1\nkind: Gadget\nmetadata: {name: first}\nsize: ${size}\n`;
    const both = await run(`${crd}---\n${gadget(1)}`);
    expect(both.outcome).toEqual({ state: 'Succeeded', message: '2 resources applied' });
    objectOf(await run(gadget(2), { operation: 'patch' }));
    objectOf(await run(gadget(3), { operation: 'update' }));
    expect(objectOf(await run('gd/first', { operation: 'get' }))).toMatchObject({ size: 3 });
    const gone = await run(`${gadget(1)}---\n${crd}`, { operation: 'delete', wait: true });
    expect(gone.result.toString()).toBe(
      `Resource Gadget/first deleted successfully\n\nResource CustomResourceDefinition/gadgets.${group} deleted successfully`,
    );
    // The kind is gone, whatever was known of it before.
    expect((await run(gadget(1))).outcome).toMatchObject({ state: 'Failed', reason: 'NoMatchForKind' });
    expect((await run(gadget(1))).outcome.message).toBe(`no matches for kind "Gadget" in version "${group}/v1"`);
  });

  it('tries everything and changes nothing in a dry run', async () => {
    await kubectl.apply(configMap('tried', { a: '1' }));
    const before = await kubectl.get<Kept>('configmap', 'tried');
    for (const operation of ['apply', 'update', 'patch'])
      expect(objectOf(await run(configMap('tried', { b: '2' }), { operation, dry_run: true })).data).toMatchObject({
        b: '2',
      });
    await run(configMap('tried'), { operation: 'delete', dry_run: true, wait: true });
    expect((await kubectl.get<Kept>('configmap', 'tried')).metadata.resourceVersion).toBe(
      before.metadata.resourceVersion,
    );
    objectOf(await run(configMap('not-made'), { operation: 'create', dry_run: true }));
    expect((await kubectl.run(['get', 'configmap', 'not-made'])).code).toBe(1);
    const half = await run(`${configMap('not-made')}---\n${configMap('tried')}`, {
      operation: 'create',
      dry_run: true,
    });
    expect(half.outcome.message).toBe(
      'failed to process manifest 2: failed to create resource: configmaps "tried" already exists; nothing was done (dry run)',
    );
  });

  it('deletes with what depends on the object left to the garbage collector', async () => {
    const job =
      'apiVersion: batch/v1\nkind: Job\nmetadata: {name: job}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}';
    await kubectl.apply(job);
    expect((await run(job, { operation: 'delete' })).outcome).toEqual({
      state: 'Succeeded',
      message: 'Job/job deleted',
    });
    expect((await kubectl.run(['get', 'job', 'job'])).code).toBe(1);
  });

  it('takes a kind that is gone for gone objects of it', async () => {
    const group = `gone.${cluster.namespace}.example.com`;
    const crd = `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: gizmos.${group}}\nspec:\n  group: ${group}\n  scope: Namespaced\n  names: {kind: Gizmo, plural: gizmos, singular: gizmo}\n  versions:\n  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}\n`;
    const gizmo = `apiVersion: ${group}/v1\nkind: Gizmo\nmetadata: {name: first}\n`;
    // The first that is waited for goes only when the kind of the next one is gone.
    const held = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, finalizers: [example.com/hold]}\n';
    expect((await run([held, crd, gizmo].join('---\n'))).outcome).toMatchObject({ state: 'Succeeded' });
    const deleting = run([held, gizmo, crd].join('---\n'), { operation: 'delete', wait: true });
    await vi.waitFor(async () =>
      expect((await kubectl.run(['get', 'gizmos'])).stderr).toMatch(/not find|doesn't have/),
    );
    await kubectl.out('patch', 'configmap', 'held', '--type=merge', '--patch={"metadata":{"finalizers":null}}');
    expect((await deleting).outcome).toEqual({ state: 'Succeeded', message: '3 resources deleted' });
  });

  it('deletes only the very object and the very version that the manifest names', async () => {
    await kubectl.apply(configMap('meant', { a: '1' }));
    const { metadata } = await kubectl.get<Kept>('configmap', 'meant');
    const { uid, resourceVersion } = metadata;
    const manifest = (fields: object): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'meant', ...fields } });
    for (const other of [
      { uid: '00000000-0000-0000-0000-000000000000' },
      { uid, resourceVersion: '1' },
      { resourceVersion: '1' },
    ])
      expect((await run(manifest(other), { operation: 'delete' })).outcome).toMatchObject({
        state: 'Failed',
        reason: 'Conflict',
        message: expect.stringMatching(/^failed to delete resource: .*[Pp]recondition/) as string,
      });
    expect((await kubectl.get<Kept>('configmap', 'meant')).metadata.uid).toBe(uid);
    expect((await run(manifest({ uid, resourceVersion }), { operation: 'delete' })).outcome.state).toBe('Succeeded');
  });

  it.each(['..', 'a/b', 'a%2Fb'])('says that %j is no name, of an object or of its namespace', async (name) => {
    for (const metadata of [{ name }, { name: 'a', namespace: name }])
      expect(
        (await run(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata }), { operation: 'delete' })).outcome,
      ).toEqual({
        state: 'Failed',
        reason: 'InvalidManifest',
        message: `"${name}" is no name of a Kubernetes object`,
      });
  });

  it('deletes what is named by kind and name, but never all of a kind', async () => {
    await kubectl.apply(['by-command', 'by-params'].map((name) => configMap(name)).join('---\n'));
    expect((await run('cm/by-command', { operation: 'delete' })).result.toString()).toBe(
      'Resource ConfigMap/by-command deleted successfully',
    );
    const named = { operation: 'delete', resource: 'configmap', name: 'by-params' };
    expect((await run('', named)).outcome).toEqual({ state: 'Succeeded', message: 'ConfigMap/by-params deleted' });
    expect((await run('cm', { operation: 'delete' })).outcome).toEqual({
      state: 'Failed',
      reason: 'InvalidParams',
      message: 'resource name is required',
    });
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
      const execution = await execute(executor, { command: 'ignored', file: file(name, pack(configMap(object))) });
      expect(objectOf(execution).metadata.name).toBe(object);
    }
    const huge = file('huge.yaml', Buffer.alloc(5 * 1024 * 1024, '#'));
    expect((await execute(executor, { file: huge })).outcome).toMatchObject({
      reason: 'InvalidManifest',
      message: expect.stringContaining('huge.yaml has more than') as string,
    });
    expect(released).toBe(3);
  });

  it('passes the warnings of the server on', async () => {
    const text =
      'apiVersion: v1\nkind: Pod\nmetadata: {name: warned}\nspec: {containers: [{name: a, image: a, env: [{name: A, value: "1"}, {name: A, value: "2"}]}]}';
    const { log } = await run(text, { operation: 'create' });
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
      await run(secret(), { operation: 'create' }),
      await run(secret()),
      await run(secret(), { operation: 'update' }),
      await run(secret(), { operation: 'patch' }),
      await run(secret(`data: {other: "${password}"}`)),
      await run(secret(`type: ${password}`), { operation: 'update' }),
      await run(`[{"op":"replace","path":"/data/password","value":"${password}"}]`, {
        operation: 'patch',
        patch_type: 'json',
        resource: 'secret',
        name: 'kept',
      }),
      ...(await Promise.all(
        ['merge', 'strategic'].map((patch_type) =>
          run('{"bogus":1}', { operation: 'patch', patch_type, resource: 'secret', name: 'kept' }),
        ),
      )),
      await run('secrets', { operation: 'get' }),
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
    const { data } = await kubectl.get<Kept>('secret', 'kept');
    expect(Buffer.from(data?.['password'] ?? '', 'base64').toString()).toBe(password);
  });
});
