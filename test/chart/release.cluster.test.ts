import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../kube/object.ts';
import { agentPools } from '../../kube/resource.ts';
import type { Resource } from '../../kube/resource.ts';
import { startCluster } from '../kubernetes/cluster.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { CHART, mustHelm, withValues } from './helm.ts';
import type { ChartValues } from './helm.ts';
import { hasHelm, HELM_VERSIONS } from './helm-binaries.ts';

interface Stored extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: any;
}

const secrets: Resource<Stored> = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
const configMaps: Resource<Stored> = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };
const deployments: Resource<Stored> = { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment' };

describe.skipIf(!hasCluster() || !hasHelm()).each(HELM_VERSIONS)('a release of helm %i', (version) => {
  let cluster: Cluster;
  const namespace = 'home';
  const run = async (verb: 'install' | 'upgrade', values: ChartValues): Promise<void> => {
    await withValues(values, (file) =>
      mustHelm(
        version,
        [verb, 'tiangong', CHART, '--namespace', namespace, '--create-namespace', '--values', file].filter(
          (arg) => verb === 'install' || arg !== '--create-namespace',
        ),
        cluster.kubeconfig(),
      ),
    );
  };

  beforeAll(async () => {
    cluster = await startCluster({ crds: false, controllerManager: true });
  });
  afterAll(() => cluster?.stop());

  it('is installed with its CRDs and its pools where neither was before', async () => {
    await run('install', {});
    const pool = await cluster.client().get(agentPools, namespace, 'default');
    expect(pool.spec).toMatchObject({ workload: 'Deployment', replicas: 1, taskServiceAccountName: 'tiangong-tasks' });
  });
});
