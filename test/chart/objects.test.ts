import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { V1PodTemplateSpec } from '@kubernetes/client-node';
import { load } from 'js-yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../kube/object.ts';
import type { AgentPool } from '../../kube/types/agentpool.ts';
import { CHART, render } from './helm.ts';
import type { ChartValues } from './helm.ts';
import { hasHelm, HELM_VERSIONS } from './helm-binaries.ts';
import { EVERYTHING } from './everything.ts';
import { podsOf, selectorsOf } from './workloads.ts';

interface Rendered extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly template?: V1PodTemplateSpec };
}

const find = (objects: readonly KubeObject[], kind: string, name?: string): Rendered | undefined =>
  objects.find((object) => object.kind === kind && (name === undefined || object.metadata.name === name));

function named(objects: readonly KubeObject[], kind: string, name?: string): Rendered {
  const found = find(objects, kind, name);
  if (found === undefined) throw new Error(`the chart has no ${kind} ${name ?? ''}`);
  return found;
}

const poolsOf = (objects: readonly KubeObject[]): AgentPool[] =>
  load(named(objects, 'ConfigMap', 'tiangong-pools').data?.['pools.yaml'] ?? '') as AgentPool[];

function environment(objects: readonly KubeObject[], component: string): Record<string, string | undefined> {
  const template = named(objects, 'Deployment', `tiangong-${component}`).spec?.template;
  return Object.fromEntries((template?.spec?.containers[0]?.env ?? []).map(({ name, value }) => [name, value]));
}

describe.skipIf(!hasHelm())('the chart', () => {
  let objects: KubeObject[];
  beforeAll(async () => {
    objects = await render();
  });

  it.each<[what: string, values: ChartValues]>([
    ['by default', {}],
    ['with everything on', EVERYTHING],
  ])('is rendered equally by every helm %s', async (_what, values) => {
    // A certificate of the chart's is another one each time.
    const fixed = { ...values, api: { ...(values['api'] as object), tls: { existingSecret: 'ours' } } };
    const [three, four] = await Promise.all(HELM_VERSIONS.map((helm) => render(fixed, { helm })));
    expect(three).toEqual(four);
  });

  it('has names that every kind of object may have, whatever the release is called', async () => {
    for (const [release, name] of [
      ['my.tiangong.v1', 'my-tiangong-v1-api'],
      ['team', 'team-tiangong-api'],
      ['x'.repeat(53), `${'x'.repeat(40)}-api`],
    ] as const)
      expect(find(await render({}, { release }), 'Service', name), release).toBeDefined();
    await expect(render({}, { release: '1tiangong' })).rejects.toThrow('must begin with a letter');
    // Its ServiceAccounts would be agents on bare hosts.
    await expect(render({}, { release: 'agent-tiangong' })).rejects.toThrow('may not be agent, or begin with agent-');
  });

  it('has the version of the programs', () => {
    const version = (load(readFileSync(join(CHART, '../../package.json'), 'utf8')) as { version: string }).version;
    const chart = load(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));
    expect(chart).toMatchObject({ version, appVersion: version });
    expect(new Set(podsOf(objects).map(({ spec }) => spec.containers[0]!.image?.split(':')[1]))).toEqual(
      new Set([version]),
    );
  });

  it('has the CRDs of crds/, and keeps them when the release goes', () => {
    for (const file of readdirSync(join(CHART, '../../crds'))) {
      const crd = load(readFileSync(join(CHART, '../../crds', file), 'utf8')) as KubeObject & { spec: unknown };
      const rendered = named(objects, 'CustomResourceDefinition', crd.metadata.name);
      expect(rendered.spec).toEqual(crd.spec);
      expect(rendered.metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
    }
  });

  it('leaves the CRDs out, or lets them go, when told to', async () => {
    const without = await render({ crds: { install: false } });
    expect(find(without, 'CustomResourceDefinition')).toBeUndefined();
    const going = await render({ crds: { keep: false } });
    expect(named(going, 'CustomResourceDefinition').metadata.annotations).toBeUndefined();
  });

  it('names everything after the release, and is in its namespace', async () => {
    const other = await render({}, { release: 'prod', namespace: 'ops' });
    const strangers = other.filter(
      ({ kind, metadata }) => kind !== 'CustomResourceDefinition' && !metadata.name.startsWith('prod-tiangong'),
    );
    expect(strangers.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([]);
    expect(new Set(other.map(({ metadata }) => metadata.namespace))).toEqual(new Set([undefined, 'ops']));
  });

  it('has a job make its pools after each change of the release, but those that are null', async () => {
    expect(find(objects, 'AgentPool')).toBeUndefined();
    expect(named(objects, 'Job', 'tiangong-pools').metadata.annotations).toMatchObject({
      'helm.sh/hook': 'post-install,post-upgrade,post-rollback',
    });
    expect(poolsOf(objects)).toMatchObject([{ metadata: { name: 'default' }, spec: { workload: 'Deployment' } }]);
    const pools = { default: null, other: { workload: 'Deployment', replicas: 0 } };
    expect(poolsOf(await render({ agents: { pools } })).map(({ metadata }) => metadata.name)).toEqual(['other']);
    expect(poolsOf(await render({ agents: { pools: { default: null } } }))).toEqual([]);
  });

  it('gives pools the ServiceAccount of tasks, but those with access to their hosts', async () => {
    const nodes = { workload: 'DaemonSet', hostAccess: true };
    const own = { workload: 'Deployment', taskServiceAccountName: 'mine' };
    const pools = poolsOf(await render({ agents: { hostAccess: { enabled: true }, pools: { nodes, own } } }));
    expect(pools.map(({ spec }) => spec.taskServiceAccountName)).toEqual(['tiangong-tasks', undefined, 'mine']);
  });

  it('has agents take the tasks of all namespaces that are looked after, but those with access to their hosts', async () => {
    const more = {
      none: { workload: 'Deployment', namespaces: [] },
      nodes: { workload: 'DaemonSet', hostAccess: true },
    };
    const agents = { hostAccess: { enabled: true }, pools: more };
    const of = async (scope: ChartValues): Promise<unknown> =>
      Object.fromEntries(
        poolsOf(await render({ scope, agents })).map(({ metadata, spec }) => [metadata.name, spec.namespaces]),
      );
    expect(await of({})).toEqual({ none: [] });
    expect(await of({ namespaces: ['a', 'b'] })).toEqual({ default: ['a', 'b'], none: [] });
    expect(await of({ clusterWide: true })).toEqual({ default: ['*'], none: [] });
  });

  it('keeps the labels that select pods, whatever its values and its version', async () => {
    const other = await render({ ...EVERYTHING, image: { tag: 'next' } });
    expect(selectorsOf(other)).toEqual(selectorsOf(objects));
  });

  it('sets no variable that its program does not know', { timeout: 120_000 }, async () => {
    const everything = await render(EVERYTHING);
    for (const { metadata, spec } of podsOf(everything).filter(({ metadata: { name } }) => !name.endsWith('-test'))) {
      const { command, env = [], image = '' } = spec.containers[0]!;
      const program =
        command?.[1]?.replace('/app/', '').replace('.js', '.ts') ?? `${/tiangong-(\w+):/.exec(image)?.[1]}/main.ts`;
      const { stdout } = await promisify(execFile)(process.execPath, [join(CHART, '../..', program), '--help']);
      const known = new Set(stdout.replace(/\s+/g, ' ').match(/(?<=env: )\w+/g));
      const ours = env.map(({ name }) => name).filter((name) => /^(TIANGONG_|LOG_LEVEL)/.test(name));
      expect(
        ours.filter((name) => !known.has(name)),
        `${metadata.name}: ${program}`,
      ).toEqual([]);
    }
  });

  it('tells its programs which namespaces to look after', async () => {
    const of = async (scope: ChartValues): Promise<(string | undefined)[]> => {
      const rendered = await render({ scope });
      return ['api', 'operator'].map((component) => environment(rendered, component)['TIANGONG_NAMESPACES']);
    };
    expect(await of({})).toEqual(['tiangong', 'tiangong']);
    expect(await of({ namespaces: ['b', 'tiangong', 'a'] })).toEqual(['tiangong,b,a', 'tiangong,b,a']);
    expect(await of({ clusterWide: true })).toEqual(['*', '*']);
  });

  it('takes images by tag, by digest and from a registry', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const rendered = await render({
      image: { repository: 'registry.example/team/', tag: '9' },
      operator: { image: { digest } },
    });
    const images = new Set(podsOf(rendered).map(({ spec }) => spec.containers[0]!.image));
    const operator = `registry.example/team/tiangong-operator@${digest}`;
    expect(images).toEqual(new Set(['registry.example/team/tiangong-api:9', operator]));
    expect(environment(rendered, 'operator')['TIANGONG_AGENT_IMAGE']).toBe('registry.example/team/tiangong-agent:9');
  });

  it('has a PodDisruptionBudget only where there are several operators', async () => {
    expect(find(objects, 'PodDisruptionBudget')).toBeDefined();
    expect(find(await render({ operator: { replicas: 1 } }), 'PodDisruptionBudget')).toBeUndefined();
  });

  it('has agents find the API by its CA, also where they are in a namespace of their own', async () => {
    const rendered = await render({ agents: { hostAccess: { enabled: true } } });
    const maps = rendered.filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'tiangong-api-ca');
    expect(maps.map(({ metadata }) => metadata.namespace)).toEqual(['tiangong', 'tiangong-host']);
    expect(environment(rendered, 'operator')).toMatchObject({
      TIANGONG_AGENT_API_URL: 'https://tiangong-api.tiangong.svc:8080',
      TIANGONG_AGENT_API_CA_CONFIG_MAP: 'tiangong-api-ca',
      TIANGONG_HOST_NAMESPACE: 'tiangong-host',
    });
  });

  it('takes the CA of a certificate of others, or trusts the system where there is none', async () => {
    const tls = { existingSecret: 'ours' };
    expect(find(await render({ api: { tls } }), 'ConfigMap', 'tiangong-api-ca')).toBeUndefined();
    const given = await render({ api: { tls: { ...tls, ca: 'PEM' } } });
    expect(named(given, 'ConfigMap', 'tiangong-api-ca').data).toEqual({ 'ca.crt': 'PEM' });
    expect(find(given, 'Secret')).toBeUndefined();
  });
});
