import { describe, expect, it } from 'vitest';
import { CHART, helm, mustHelm, withValues } from './helm.ts';
import type { ChartValues } from './helm.ts';
import { hasHelm, HELM_VERSIONS } from './helm-binaries.ts';

const LONG = 'a'.repeat(25);

/** What helm says when it refuses the values. */
const refusal = (version: 3 | 4, values: ChartValues): Promise<string> =>
  withValues(values, async (file) => {
    const run = await helm(version, ['template', 'x', CHART, '--kube-version', '1.36.3', '--values', file]);
    expect(run.code, 'helm took the values').not.toBe(0);
    return run.stderr;
  });

describe.skipIf(!hasHelm()).each(HELM_VERSIONS)('values of the chart, by helm %i', (version) => {
  it('have no fault that helm knows of', async () => {
    await mustHelm(version, ['lint', '--strict', CHART]);
  });

  it.each<[what: string, values: ChartValues, words: RegExp]>([
    ['a misspelt name', { api: { replica: 1 } }, /at '\/api'.*'replica' not allowed/],
    ['an unknown part', { apii: {} }, /'apii' not allowed/],
    ['a number as text', { operator: { replicas: 'two' } }, /at '\/operator\/replicas': got string, want integer/],
    ['an unknown level of logs', { api: { logLevel: 'loud' } }, /at '\/api\/logLevel': value must be one of/],
    ['a digest without its kind', { api: { image: { digest: 'abc' } } }, /at '\/api\/image\/digest'/],
    ['a namespace that cannot be', { scope: { namespaces: ['No'] } }, /at '\/scope\/namespaces\/0'/],
    ['several API servers', { api: { replicas: 2 } }, /api\.replicas must be 1, or 0 to stop: the store is SQLite/],
    ['a misspelt field of a pool', { agents: { pools: { default: { replica: 2 } } } }, /'replica' not allowed/],
    ['a pool without a workload', { agents: { pools: { more: {} } } }, /'\/agents\/pools\/more'.*'workload'/],
    ['a long name of a pool', { agents: { pools: { [LONG]: { workload: 'Deployment' } } } }, /invalid propertyName/],
    [
      'access to hosts that is not enabled',
      { agents: { pools: { nodes: { workload: 'DaemonSet', hostAccess: true } } } },
      /agents\.pools\.nodes has hostAccess: set agents\.hostAccess\.enabled/,
    ],
    [
      'replicas of a DaemonSet',
      { agents: { pools: { default: { workload: 'DaemonSet', replicas: 2 } } } },
      /agents\.pools\.default is a DaemonSet.*leave replicas out/,
    ],
    [
      "a host's folder without access to hosts",
      {
        agents: {
          pools: {
            default: {
              volumes: [
                { name: 'a', emptyDir: {} },
                { name: 'b', hostPath: { path: '/srv' } },
              ],
            },
          },
        },
      },
      /agents\.pools\.default has a volume of type hostPath: set agents\.hostAccess\.enabled/,
    ],
    [
      'a host namespace that is the home namespace',
      { agents: { hostAccess: { enabled: true, namespace: 'default' } } },
      /agents\.hostAccess\.namespace must be another than the release's/,
    ],
    [
      'a host namespace that is the home namespace, and is there already',
      { agents: { hostAccess: { enabled: true, namespace: 'default', createNamespace: false } } },
      /agents\.hostAccess\.namespace must be another than the release's/,
    ],
    [
      'a label of their own for what objects are known by',
      { commonLabels: { 'app.kubernetes.io/name': 'shop' } },
      /invalid propertyName 'app\.kubernetes\.io\/name'/,
    ],
    [
      'a label of their own for what pods are known by',
      { operator: { podLabels: { 'app.kubernetes.io/component': 'shop' } } },
      /invalid propertyName 'app\.kubernetes\.io\/component'/,
    ],
    // Accounts named agent-… are bare hosts: that of k8s tasks would be the agent `tasks`.
    ['names that are those of bare hosts', { fullnameOverride: 'agent' }, /may not be agent, or begin with agent-/],
    ['names that begin like those of bare hosts', { fullnameOverride: 'agent-a' }, /may not be agent, or begin with/],
    ['an Ingress without a host', { api: { ingress: { enabled: true } } }, /api\.ingress\.hosts must name a host/],
  ])('refuse %s', async (_what, values, words) => {
    expect(await refusal(version, values)).toMatch(words);
  });
});
