import { randomUUID } from 'node:crypto';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasCluster, sharedCluster } from '../../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../../test/kubernetes/shared.ts';
import { describeExecutor, execute } from '../../conformance/executor.ts';
import type { Execution, ExecutorUnderTest } from '../../conformance/executor.ts';
import { TaskAborted } from '../executor.ts';
import { K8sExecutor } from './k8s-executor.ts';
import { startKubelet } from './testing/kubelet.ts';
import { Kubectl } from './testing/kubectl.ts';

interface Named {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly data?: Record<string, string>;
}
interface NamedList {
  readonly apiVersion: string;
  readonly kind: string;
  readonly items: readonly Named[];
}

describe.skipIf(!hasCluster())('K8sExecutor', () => {
  let cluster: SharedCluster;
  let kubectl: Kubectl;
  let executor: K8sExecutor;
  let kubelet: { stop(): Promise<void> };
  /** What the kubelet was asked, by its queries. */
  const asked: URL[] = [];

  beforeAll(async () => {
    cluster = await sharedCluster();
    kubectl = new Kubectl(cluster.kubeconfig(), cluster.namespace);
    executor = new K8sExecutor({ kubeconfig: cluster.kubeconfig(), namespace: cluster.namespace });
    kubelet = await startKubelet({
      client: cluster.client,
      node: cluster.namespace,
      answer: (url, response) => {
        asked.push(url);
        const container = url.pathname.split('/').at(-1) ?? '';
        if (url.searchParams.get('follow') === 'true') response.write('begun\n');
        else if (container === 'big') response.end(Buffer.alloc(5_000_000, 'x'));
        else response.end(`log of ${container}\n`);
      },
    });
    await kubectl.apply(pods());
  });
  afterAll(async () => {
    await executor.close();
    await kubelet.stop();
  });

  const pods = (): string => {
    const pod = (name: string, containers: readonly string[], annotations = '{}'): string =>
      `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, labels: {app: ${name}}, annotations: ${annotations}}\nspec:\n  nodeName: ${cluster.namespace}\n  containers: [${containers.map((c) => `{name: ${c}, image: a}`).join(', ')}]\n`;
    const service =
      'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: one}, ports: [{port: 80}]}\n';
    return [
      pod('one', ['first', 'second', 'big']),
      pod('other', ['first', 'second'], '{kubectl.kubernetes.io/default-container: second}'),
      service,
    ].join('---\n');
  };
  const run = (command: string, params: Record<string, unknown> = {}): Promise<Execution> =>
    execute(executor, { command, params });
  const text = ({ result, outcome }: Execution): string => {
    expect(outcome).toMatchObject({ state: 'Succeeded' });
    return result.toString();
  };

  // For as long as the tests of the suite run, the hooks above have run.
  const make = (): Promise<ExecutorUnderTest> => {
    const before = asked.length;
    return Promise.resolve({
      executor,
      succeeding: { command: 'pod/one', params: { operation: 'get' } },
      failing: { command: 'pod/missing', params: { operation: 'get' } },
      endless: {
        command: 'pod/one',
        params: { operation: 'logs', follow: true },
        begun: () => vi.waitFor(() => expect(asked.length).toBeGreaterThan(before)),
      },
      big: () => ({ command: 'pod/one', params: { operation: 'logs', container: 'big' } }),
      invalid: [
        {},
        { command: ' \n' },
        { command: '---\n# nothing\n' },
        { command: 'a', params: { operation: 'explode' } },
        { command: 'a', params: { operation: 1 } },
        { command: 'a', params: { namespace: '../x' } },
        { command: 'a', params: { dry_run: 'yes' } },
        { command: 'a', params: { patch_type: 'other' } },
        { command: 'a', params: { tail_lines: -1 } },
        { command: 'a', params: { service_account: 'a/b/c' } },
        { command: '', params: { operation: 'get' } },
        { command: '', params: { operation: 'logs' } },
        { command: 'pods', params: { operation: 'rollout' } },
      ],
    });
  };
  describeExecutor('K8sExecutor', make);

  describe('get', () => {
    it.each(['pod/one', 'pods/one', 'Pod/one', 'po/one', 'apiVersion: v1\nkind: Pod\nmetadata: {name: one}'])(
      'shows the object that %j names',
      async (command) => {
        if (command.startsWith('po.v1')) return;
        const shown = JSON.parse(text(await run(command, { operation: 'get' }))) as Named;
        expect(shown.metadata.uid).toBe((await kubectl.get<Named>('pod', 'one')).metadata.uid);
      },
    );

    it('takes kind and name from parameters, with a version when there are several', async () => {
      const named = { operation: 'get', resource: 'deployments.apps', api_version: 'apps/v1', name: 'missing' };
      expect((await run('', named)).outcome).toEqual({
        state: 'Failed',
        reason: 'NotFound',
        message: 'resource not found: deployments.apps "missing" not found',
      });
      const { outcome } = await run('Deployment/a', { operation: 'get', api_version: 'v1' });
      expect(outcome.message).toBe('no matches for kind "Deployment" in version "v1"');
    });

    it('lists all of a kind that the selectors match, as kubectl does', async () => {
      const names = (list: NamedList): string[] => list.items.map(({ metadata }) => metadata.name);
      const all = JSON.parse(text(await run('pods', { operation: 'get' }))) as NamedList;
      expect(all).toMatchObject({ apiVersion: 'v1', kind: 'List' });
      expect(all.items[0]).toMatchObject({ apiVersion: 'v1', kind: 'Pod' });
      expect(names(all)).toEqual(names(await kubectl.get<NamedList>('pods')));
      const selected = { operation: 'get', label_selector: 'app=other' };
      expect(names(JSON.parse(text(await run('pods', selected))) as NamedList)).toEqual(['other']);
      const field = { operation: 'get', field_selector: 'metadata.name=one' };
      expect(names(JSON.parse(text(await run('pods', field))) as NamedList)).toEqual(['one']);
      const none = { operation: 'get', label_selector: 'app=none' };
      expect(JSON.parse(text(await run('pods', none)))).toEqual({ apiVersion: 'v1', kind: 'List', items: [] });
      expect((JSON.parse(text(await run('pods', { operation: 'get', limit: 1 }))) as NamedList).items).toHaveLength(1);
      const everywhere = JSON.parse(text(await run('ns', { operation: 'get' }))) as NamedList;
      expect(names(everywhere)).toContain(cluster.namespace);
      const allNamespaces = { operation: 'get', all_namespaces: true, label_selector: 'app=one' };
      expect(names(JSON.parse(text(await run('pods', allNamespaces))) as NamedList)).toContain('one');
    });

    it('writes YAML that kubectl reads as the same object', async () => {
      const data = { mode: '0644', yes: 'yes', time: '1:30', text: 'a\n---\nb', empty: '', exp: '1e3' };
      await kubectl.apply(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'odd' }, data }));
      const one = text(await run('cm/odd', { operation: 'get', output: 'yaml' }));
      expect((load(one) as Named).data).toEqual(data);
      const { stdout } = await kubectl.run(
        ['create', '--dry-run=server', '--output', 'json', '--filename', '-'],
        one.replace('name: odd', 'name: odd-2').replace(/^ {2}(uid|resourceVersion|creationTimestamp):.*\n/gm, ''),
      );
      expect((JSON.parse(stdout) as Named).data).toEqual(data);
      const list = load(text(await run('cm', { operation: 'get', output: 'yaml' }))) as NamedList;
      expect(list.items.find(({ metadata }) => metadata.name === 'odd')?.data).toEqual(data);
      const none = text(await run('cm', { operation: 'get', output: 'yaml', label_selector: 'app=none' }));
      expect(load(none)).toEqual({ apiVersion: 'v1', kind: 'List', items: [] });
    });

    it('reads lists of any length page by page', async () => {
      const page = randomUUID();
      // kubectl bounds how many objects it makes a second: it would need twenty.
      const path = `/api/v1/namespaces/${cluster.namespace}/configmaps`;
      const make = (i: number): Promise<unknown> => {
        const body = JSON.stringify({ metadata: { name: `page-${page}-${i}`, labels: { page } } });
        return cluster.client.raw({ method: 'POST', path, body });
      };
      for (let i = 0; i < 520; i += 20) await Promise.all(Array.from({ length: 20 }, (_, n) => make(i + n)));
      const list = JSON.parse(text(await run('cm', { operation: 'get', label_selector: `page=${page}` }))) as NamedList;
      expect(new Set(list.items.map(({ metadata }) => metadata.name)).size).toBe(520);
    });
  });

  describe('describe and events', () => {
    it('show what happened to an object, the newest last', async () => {
      const { metadata } = await kubectl.get<Named>('pod', 'one');
      const event = (name: string, about: object, lastTimestamp: string): object => ({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: cluster.namespace, ...about },
        reason: name,
        message: name,
        type: 'Normal',
        lastTimestamp,
      });
      const one = { name: 'one', uid: metadata.uid };
      const events = [
        event('e-late', one, '2024-01-01T00:00:02Z'),
        event('e-early', one, '2024-01-01T00:00:01Z'),
        event('e-other', { name: 'other' }, '2024-01-01T00:00:03Z'),
        event('e-before', { name: 'one', uid: 'of-one-before' }, '2024-01-01T00:00:00Z'),
      ];
      await kubectl.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: events }));
      const description = JSON.parse(text(await run('pod/one', { operation: 'describe' }))) as {
        resource: Named;
        events: Named[];
      };
      expect(description.resource.metadata.uid).toBe(metadata.uid);
      expect(description.events.map(({ metadata: { name } }) => name)).toEqual(['e-early', 'e-late']);
      const names = async (command: string, params: object = {}): Promise<string[]> =>
        (JSON.parse(text(await run(command, { operation: 'events', ...params }))) as NamedList).items.map(
          ({ metadata: { name } }) => name,
        );
      expect(await names('pod/other')).toEqual(['e-other']);
      expect(await names('', { field_selector: 'involvedObject.name=one' })).toEqual(['e-before', 'e-early', 'e-late']);
      expect(await names('', { field_selector: 'involvedObject.kind=Pod', limit: 2 })).toEqual(['e-late', 'e-other']);
    });
  });

  describe('logs', () => {
    it.each([
      ['pod/one', {}, 'log of first\n'],
      ['pod/one', { container: 'second' }, 'log of second\n'],
      ['pod/other', {}, 'log of second\n'],
      ['svc/web', {}, 'log of first\n'],
    ])('of %s with %j', async (command, params, expected) => {
      expect(text(await run(command, { operation: 'logs', ...params }))).toBe(expected);
    });

    it('asks for what the parameters say', async () => {
      text(await run('pod/one', { operation: 'logs', previous: true, tail_lines: 10, since_seconds: 60 }));
      const query = asked.at(-1)?.searchParams;
      expect([query?.get('previous'), query?.get('tailLines'), query?.get('sinceSeconds')]).toEqual([
        'true',
        '10',
        '60',
      ]);
    });

    it('follows for as long as it is told, and shows the lines meanwhile', async () => {
      const execution = await run('pod/one', { operation: 'logs', follow: true, follow_seconds: 1 });
      expect(text(execution)).toBe('begun\n');
      expect(execution.log.at(-1)?.message).toBe('begun');
    });

    it('says what has no log', async () => {
      await kubectl.apply('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: no-workload}');
      const outcome = async (command: string, params: object = {}): Promise<string> =>
        (await run(command, { operation: 'logs', ...params })).outcome.message;
      expect(await outcome('pod/missing')).toBe('resource not found: pods "missing" not found');
      expect(await outcome('cm/no-workload')).toContain('selects no pods');
      expect(await outcome('pod/one', { container: 'third' })).toContain('container third is not valid for pod one');
    });
  });

  describe('wait', () => {
    const claim =
      'apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Mi}}}';
    const setStatus = (kind: string, name: string, status: object): Promise<string> =>
      kubectl.out('patch', kind, name, '--subresource=status', '--type=merge', '--patch', JSON.stringify({ status }));

    it('ends when the object is ready, and shows it so', async () => {
      const execution = run(claim, { wait: true });
      await vi.waitFor(async () => expect((await kubectl.run(['get', 'pvc', 'data'])).code).toBe(0));
      await setStatus('pvc', 'data', { phase: 'Bound' });
      const done = await execution;
      expect(JSON.parse(text(done))).toMatchObject({ status: { phase: 'Bound' } });
      expect(done.log.map(({ message }) => message)).toEqual(
        expect.arrayContaining(['PersistentVolumeClaim/data is ready']) as string[],
      );
    });

    it('fails when it cannot become ready any more, or is deleted', async () => {
      const job = (name: string): string =>
        `apiVersion: batch/v1\nkind: Job\nmetadata: {name: ${name}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}`;
      // That of an earlier try has failed for good.
      await kubectl.out('delete', 'job', 'failing', '--ignore-not-found');
      const failing = run(job('failing'), { wait: true });
      await vi.waitFor(async () => expect((await kubectl.run(['get', 'job', 'failing'])).code).toBe(0));
      const time = new Date().toISOString();
      const condition = (type: string): object => ({
        type,
        status: 'True',
        reason: 'BackoffLimitExceeded',
        message: 'too many failures',
        lastProbeTime: time,
        lastTransitionTime: time,
      });
      await setStatus('job', 'failing', { startTime: time, conditions: [condition('FailureTarget')] });
      expect((await failing).outcome).toEqual({
        state: 'Failed',
        reason: 'NotReady',
        message: 'Job/failing did not become ready: the job failed: too many failures',
      });
      const deleted = run(job('deleted'), { wait: true });
      await vi.waitFor(async () => expect((await kubectl.run(['get', 'job', 'deleted'])).code).toBe(0));
      await kubectl.out('delete', 'job', 'deleted');
      expect((await deleted).outcome.message).toMatch(/^Job\/deleted did not become ready: it (was|is being) deleted$/);
    });

    it('waits for what finalizers hold, and ends at once when it is stopped', async () => {
      const held = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, finalizers: [example.com/held]}';
      await kubectl.apply(held);
      const controller = new AbortController();
      const work = { command: held, params: { operation: 'delete', wait: true } };
      const log: string[] = [];
      const execution = execute(executor, { ...work, signal: controller.signal });
      await vi.waitFor(async () =>
        expect(await kubectl.out('get', 'cm', 'held', '--output', 'jsonpath={.metadata.deletionTimestamp}')).not.toBe(
          '',
        ),
      );
      controller.abort(new TaskAborted('User', 'enough'));
      log.push(...(await execution).log.map(({ message }) => message));
      expect(log.join('\n')).not.toContain('is gone');
      const second = run(held, { operation: 'delete', wait: true });
      await kubectl.out('patch', 'cm', 'held', '--type=merge', '--patch', '{"metadata":{"finalizers":null}}');
      const { outcome } = await second;
      // The first delete may have ended meanwhile: then there is nothing left to delete.
      expect(['Succeeded', 'Failed']).toContain(outcome.state);
      expect((await kubectl.run(['get', 'cm', 'held'])).code).toBe(1);
    });
  });
});
