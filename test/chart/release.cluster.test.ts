import { X509Certificate } from 'node:crypto';
import { load } from 'js-yaml';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import { agentPools } from '../../kube/resource.ts';
import type { Resource } from '../../kube/resource.ts';
import { applyPools } from '../../operator/apply-pools/apply-pools.ts';
import type { WantedPool } from '../../operator/apply-pools/apply-pools.ts';
import { startCluster } from '../kubernetes/cluster.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { connectAs } from './connect-as.ts';
import { EVERYTHING } from './everything.ts';
import { CHART, helm, mustHelm, render, withValues } from './helm.ts';
import type { ChartValues } from './helm.ts';
import { hasHelm, HELM_VERSIONS } from './helm-binaries.ts';
import { defineMonitoring } from './monitoring.ts';
import { podsOf } from './workloads.ts';

interface WithData extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const secrets: Resource<WithData> = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
const configMaps: Resource<WithData> = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };
const namespaces: Resource<KubeObject> = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };

const NAMESPACE = 'home';

// No kubelet: no hook runs, but the API server checks everything, admission included. test/e2e has the rest.
describe.skipIf(!hasCluster() || !hasHelm()).each(HELM_VERSIONS)('a release of helm %i', (version) => {
  let cluster: Cluster;
  let client: KubeClient;

  beforeAll(async () => {
    cluster = await startCluster({ crds: false, controllerManager: true });
    client = cluster.client();
    await client.create(namespaces, undefined, {
      metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    await defineMonitoring(client);
  });
  afterAll(() => cluster?.stop());

  const run = (...args: string[]): ReturnType<typeof mustHelm> =>
    mustHelm(version, [...args, '--namespace', NAMESPACE], cluster.kubeconfig());
  const release = async (verb: 'install' | 'upgrade', values: ChartValues): Promise<void> => {
    await withValues(values, (file) => run(verb, 'tiangong', CHART, '--no-hooks', '--values', file));
    await applyItsPools();
  };
  /** What the job after each change does, with the rights that it has. */
  const applyItsPools = async (): Promise<void> => {
    const { data } = await client.get(configMaps, NAMESPACE, 'tiangong-pools');
    const transport = await connectAs(cluster, NAMESPACE, 'tiangong-pools');
    await applyPools(load(data?.['pools.yaml'] ?? '') as WantedPool[], {
      ...{ client: new KubeClient(transport), homeNamespace: NAMESPACE, release: 'tiangong', timeoutMs: 20_000 },
      logger: pino({ level: 'silent' }),
    });
    await transport.close();
  };
  const certificate = async (name: string): Promise<X509Certificate> =>
    new X509Certificate(Buffer.from((await client.get(secrets, NAMESPACE, name)).data?.['tls.crt'] ?? '', 'base64'));
  const servedCa = async (): Promise<string | undefined> =>
    (await client.get(configMaps, NAMESPACE, 'tiangong-api-ca')).data?.['ca.crt'];

  it('is installed with its CRDs where they were not before, and its pools after them', async () => {
    // What a try that failed has installed.
    await helm(version, ['uninstall', 'tiangong', '--no-hooks', '--namespace', NAMESPACE], cluster.kubeconfig());
    await release('install', {});
    const pool = await client.get(agentPools, NAMESPACE, 'default');
    expect(pool.spec).toMatchObject({ workload: 'Deployment', taskServiceAccountName: 'tiangong-tasks' });
  });

  it('has a certificate for the names of its Service, by the CA that agents are given', async () => {
    const [leaf, ca] = [await certificate('tiangong-api-tls'), new X509Certificate((await servedCa()) ?? '')];
    expect(leaf.verify(ca.publicKey)).toBe(true);
    for (const name of ['tiangong-api', 'tiangong-api.home.svc', 'tiangong-api.home.svc.cluster.local', 'localhost'])
      expect(leaf.checkHost(name)).toBe(name);
    expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
  });

  it('is alone in its namespace: the operators of two would have one Lease, and one of them would never work', async () => {
    const second = ['install', 'second', CHART, '--no-hooks', '--set', 'crds.install=false', '--namespace', NAMESPACE];
    const { code, stderr } = await helm(version, second, cluster.kubeconfig());
    expect(code).not.toBe(0);
    expect(stderr).toContain('namespace home has the release tiangong of this chart already');
  });

  it('keeps CA and certificate over an upgrade, and changes its pools', async () => {
    const [ca, leaf] = [await servedCa(), await certificate('tiangong-api-tls')];
    const { uid } = (await client.get(agentPools, NAMESPACE, 'default')).metadata;
    await release('upgrade', { agents: { pools: { default: { replicas: 3 } } } });
    expect(await servedCa()).toBe(ca);
    expect((await certificate('tiangong-api-tls')).fingerprint256).toBe(leaf.fingerprint256);
    const pool = await client.get(agentPools, NAMESPACE, 'default');
    expect([pool.metadata.uid, pool.spec.replicas]).toEqual([uid, 3]);
  });

  it('has another certificate by the same CA when an upgrade finds it a year old', async () => {
    const [ca, leaf] = [await servedCa(), await certificate('tiangong-api-tls')];
    const aYearAgo = String(Math.floor(Date.now() / 1000) - 366 * 24 * 3600);
    const { metadata, ...rest } = await client.get(secrets, NAMESPACE, 'tiangong-api-tls');
    const { name, labels = {}, annotations = {} } = metadata;
    const old = { name, labels, annotations: { ...annotations, 'tiangong.io/issued-at': aYearAgo } };
    // As helm 4 itself, which otherwise sees a conflict with whoever wrote this.
    await client.apply(secrets, NAMESPACE, { ...rest, metadata: old }, { fieldManager: 'helm', force: true });
    await release('upgrade', {});
    const renewed = await certificate('tiangong-api-tls');
    expect(renewed.fingerprint256).not.toBe(leaf.fingerprint256);
    expect(renewed.verify(new X509Certificate(ca ?? '').publicKey)).toBe(true);
    expect(await servedCa()).toBe(ca);
  });

  it('has everything on after an upgrade, with another certificate by the same CA for the new names', async () => {
    const ca = await servedCa();
    await release('upgrade', EVERYTHING);
    expect(await servedCa()).toBe(ca);
    const leaf = await certificate('tiangong-api-tls');
    expect(leaf.verify(new X509Certificate(ca ?? '').publicKey)).toBe(true);
    expect([leaf.checkHost('tiangong.example'), leaf.checkIP('2001:db8::1')]).toEqual([
      'tiangong.example',
      '2001:db8::1',
    ]);
    expect((await client.get(agentPools, NAMESPACE, 'nodes')).spec).toMatchObject({ hostAccess: true });
  });

  it('has no pod that a restricted namespace refuses', async () => {
    const pods = podsOf(await render(EVERYTHING, { namespace: NAMESPACE }));
    expect(pods.map(({ metadata }) => metadata.name).sort()).toEqual([
      ...['tiangong-api', 'tiangong-cleanup', 'tiangong-operator', 'tiangong-pools', 'tiangong-test'],
    ]);
    for (const pod of pods)
      await client.raw({
        method: 'POST',
        path: `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All`,
        body: JSON.stringify({ ...pod, metadata: { ...pod.metadata, namespace: NAMESPACE } }),
      });
  });

  it('goes back to its first revision with the pools of it', async () => {
    await run('rollback', 'tiangong', '1', '--no-hooks');
    await applyItsPools();
    expect((await client.get(agentPools, NAMESPACE, 'default')).spec.replicas).toBeUndefined();
    await expect(client.get(agentPools, NAMESPACE, 'nodes')).rejects.toSatisfy(isNotFound);
  });

  it('is upgraded again after that', async () => {
    await release('upgrade', { agents: { pools: { default: { replicas: 2 } } } });
    expect((await client.get(agentPools, NAMESPACE, 'default')).spec.replicas).toBe(2);
  });

  it('leaves CRDs and data when it goes, and can come again with another certificate', async () => {
    const { code } = await helm(version, ['status', 'tiangong', '--namespace', NAMESPACE], cluster.kubeconfig());
    // A try that failed may have taken it away.
    if (code !== 0) await release('install', {});
    const ca = await servedCa();
    await run('uninstall', 'tiangong', '--no-hooks');
    const claim = `/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims/tiangong-store`;
    await client.raw({ method: 'GET', path: claim });
    expect((await client.list(agentPools, NAMESPACE)).items).toHaveLength(1);
    await release('install', {});
    expect(await servedCa()).not.toBe(ca);
  });
});
