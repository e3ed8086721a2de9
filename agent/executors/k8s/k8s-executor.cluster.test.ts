import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCluster, sharedCluster } from '../../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../../test/kubernetes/shared.ts';
import { execute } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
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

const configMap = (name: string, data: Record<string, string> = {}): string =>
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
});
