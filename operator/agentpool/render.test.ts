import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import type { AgentPoolSpec } from '../../kube/types/agentpool.ts';
import { POOL_LABEL } from './pool-labels.ts';
import { poolWith, SETTINGS } from './pool-fixture.ts';
import { render } from './render.ts';
import type { Rendered } from './render.ts';

const rendered = (spec: Partial<AgentPoolSpec> = {}, settings = SETTINGS): Rendered =>
  render(poolWith(spec), spec.hostAccess === true ? 'home-host' : 'home', 'home', settings);

const podOf = ({ workload }: Rendered): V1PodSpec => workload.spec?.template.spec ?? { containers: [] };
const agentOf = (of: Rendered): V1Container => podOf(of).containers[0]!;
const fileOf = (of: Rendered, name = 'agent.yaml'): unknown => load(of.configMap.data?.[name] ?? '');

describe('render', () => {
  it('makes a Deployment of its name, owned by the pool', () => {
    const { workload, configMap } = rendered({ replicas: 3, maxUnavailable: '25%' });
    expect(workload.metadata).toMatchObject({
      name: 'web',
      namespace: 'home',
      labels: { 'app.kubernetes.io/component': 'agent', 'app.kubernetes.io/instance': 'test', [POOL_LABEL]: 'web' },
      ownerReferences: [{ kind: 'AgentPool', name: 'web', uid: 'u1', controller: true }],
    });
    expect(workload.spec).toMatchObject({
      replicas: 3,
      strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
    });
    expect(configMap.metadata.ownerReferences).toEqual(workload.metadata.ownerReferences);
  });

  it('replaces pods of a DaemonSet one after the other, as two of a node cannot be ready together', () => {
    const { spec } = rendered({ workload: 'DaemonSet' }).workload;
    expect(spec).toMatchObject({ updateStrategy: { rollingUpdate: { maxUnavailable: 1 } } });
    expect(spec).not.toHaveProperty('replicas');
  });

  it('selects pods by labels that are on them', () => {
    const { spec } = rendered().workload;
    expect(spec?.template.metadata?.labels).toMatchObject(spec?.selector.matchLabels ?? { none: '' });
  });

  it('names agents after their pod, or after their node', () => {
    const nameIn = (of: Rendered): unknown => agentOf(of).env?.find(({ name }) => name === 'TIANGONG_AGENT_NAME');
    expect(nameIn(rendered())).toMatchObject({ valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } });
    expect(nameIn(rendered({ workload: 'DaemonSet' }))).toMatchObject({ value: 'web-$(NODE_NAME)' });
    // Kubernetes puts in only variables that come before.
    const names = agentOf(rendered({ workload: 'DaemonSet' })).env?.map(({ name }) => name) ?? [];
    expect(names.indexOf('NODE_NAME')).toBeLessThan(names.indexOf('TIANGONG_AGENT_NAME'));
  });

  it('tells agents where things are, and to be done before they are killed', () => {
    expect(fileOf(rendered({ terminationGracePeriodSeconds: 300, env: 'prod', labels: { zone: 'a' } }))).toEqual({
      home_namespace: 'home',
      api_url: 'https://tiangong-api.home.svc:8080',
      api_ca_file: '/etc/tiangong/api-ca/ca.crt',
      state_dir: '/var/lib/tiangong-agent',
      labels: { zone: 'a', [POOL_LABEL]: 'web' },
      env: 'prod',
      drain_seconds: 285,
      private_paths: expect.arrayContaining(['/etc/tiangong/connections']) as string[],
    });
    expect(podOf(rendered({ terminationGracePeriodSeconds: 300 })).terminationGracePeriodSeconds).toBe(300);
  });

  it('lets labels of the pool say nothing else of what it is', () => {
    const { labels } = fileOf(rendered({ labels: { [POOL_LABEL]: 'other' } })) as { labels: Record<string, string> };
    expect(labels[POOL_LABEL]).toBe('web');
  });

  it('hands over the settings of plug-ins and the security policy', () => {
    const plugins = [{ type: 'shell', enabled: false }];
    const of = rendered({ plugins, securityPolicy: 'blocked_patterns: []\n' });
    expect(fileOf(of)).toMatchObject({ plugins, security_file: '/etc/tiangong/agent/security.yaml' });
    expect(of.configMap.data?.['security.yaml']).toBe('blocked_patterns: []\n');
  });

  it('runs commands on the node, and k8s tasks as the account that is named, beside what the pool sets', () => {
    const plugins = [{ type: 'k8s', config: { namespace: 'shop' } }];
    const of = rendered({ workload: 'DaemonSet', hostAccess: true, taskServiceAccountName: 'deployer', plugins });
    expect(fileOf(of)).toMatchObject({
      plugins: [
        { type: 'k8s', config: { namespace: 'shop', service_account: { namespace: 'home-host', name: 'deployer' } } },
        { type: 'shell', config: { nsenter: true } },
      ],
    });
  });

  it('gives pods no more than the restricted level of pod security', () => {
    expect(podOf(rendered()).securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(agentOf(rendered()).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(podOf(rendered())).not.toHaveProperty('hostPID');
  });

  it('marks what acts on nodes, and owns nothing across namespaces', () => {
    const of = rendered({ workload: 'DaemonSet', hostAccess: true });
    expect(of.workload.metadata).toMatchObject({
      namespace: 'home-host',
      labels: { 'tiangong.io/host-access': 'true' },
    });
    expect(of.workload.metadata).not.toHaveProperty('ownerReferences');
    expect(of.workload.spec?.template.metadata?.labels).toMatchObject({ 'tiangong.io/host-access': 'true' });
    expect(fileOf(of)).toMatchObject({ labels: { 'tiangong.io/host-access': 'true' } });
    expect(podOf(of).hostPID).toBe(true);
    expect(agentOf(of).securityContext?.privileged).toBe(true);
  });

  it('keeps the state of a node on it, at the same path; that of a pod goes with it', () => {
    const stateOf = (of: Rendered): unknown[] => [
      podOf(of).volumes?.find(({ name }) => name === 'tiangong-state'),
      agentOf(of).volumeMounts?.find(({ name }) => name === 'tiangong-state'),
    ];
    expect(stateOf(rendered({ workload: 'DaemonSet', hostAccess: true }))).toMatchObject([
      { hostPath: { path: '/var/lib/tiangong-agent/web' } },
      { mountPath: '/var/lib/tiangong-agent/web' },
    ]);
    for (const spec of [{}, { workload: 'DaemonSet' as const }, { hostAccess: true }])
      expect(stateOf(rendered(spec))).toMatchObject([{ emptyDir: {} }, { mountPath: '/var/lib/tiangong-agent' }]);
  });

  it('mounts Secrets of connections for the agent alone, and what the pool adds', () => {
    const volumes = [{ name: 'data', emptyDir: {} }];
    const volumeMounts = [{ name: 'data', mountPath: '/data' }];
    const of = rendered({ connectionSecrets: ['shop-db', 'mail'], volumes, volumeMounts });
    expect(podOf(of).volumes).toEqual(
      expect.arrayContaining([
        { name: 'tiangong-connection-1', secret: { secretName: 'mail', defaultMode: 0o440 } },
        ...volumes,
      ]),
    );
    expect(agentOf(of).volumeMounts).toEqual(
      expect.arrayContaining([
        { name: 'tiangong-connection-0', mountPath: '/etc/tiangong/connections/shop-db', readOnly: true },
        ...volumeMounts,
      ]),
    );
  });

  it('rolls pods when their configuration changes, and only then', () => {
    const nameOf = (of: Rendered): string => of.configMap.metadata.name;
    expect(nameOf(rendered({ env: 'prod' }))).not.toBe(nameOf(rendered({ env: 'test' })));
    expect(nameOf(rendered({ maxConcurrent: 3, tags: ['a'], namespaces: ['x'], replicas: 9 }))).toBe(
      nameOf(rendered()),
    );
    expect(rendered({ replicas: 9 }).digest).not.toBe(rendered().digest);
    expect(rendered().digest).toBe(rendered().digest);
    expect(podOf(rendered()).volumes).toContainEqual({
      name: 'tiangong-config',
      configMap: { name: nameOf(rendered()) },
    });
  });

  it('has longest names that Kubernetes takes', () => {
    const pool = poolWith();
    const long = { ...pool, metadata: { ...pool.metadata, name: 'p'.repeat(24) } };
    expect(render(long, 'home', 'home', SETTINGS).configMap.metadata.name.length).toBeLessThanOrEqual(63);
  });
});
