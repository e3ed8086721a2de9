import { expect } from 'vitest';
import type { Api } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';

const object = (name: string, spec: object = {}): object => ({
  apiVersion: 'tiangong.io/v1alpha1',
  kind: 'AgentPool',
  metadata: { name },
  spec: { workload: 'Deployment', ...spec },
});

const refused: readonly (readonly [what: string, name: string, spec: object])[] = [
  ['a pool without a workload', 'bad', { workload: undefined }],
  ['a workload that is none', 'bad', { workload: 'Job' }],
  ['replicas of a DaemonSet', 'bad', { workload: 'DaemonSet', replicas: 2 }],
  ['fewer replicas than none', 'bad', { replicas: -1 }],
  ['a grace period too short to drain', 'bad', { terminationGracePeriodSeconds: 5 }],
  ['an unavailability of nothing', 'bad', { maxUnavailable: '0' }],
  ['plugins without a type', 'bad', { plugins: [{ config: {} }] }],
  ['a name too long for the agents', 'a'.repeat(25), {}],
  ['a name with dots', 'a.b', {}],
];

export const agentPools: Record<string, Scenario> = {
  ...Object.fromEntries(
    refused.map(([what, name, spec]): [string, Scenario] => [
      `refuses ${what}`,
      async (api) => {
        expect((await api.post(api.own('agentpools'), object(name, spec))).status).toBe(422);
      },
    ]),
  ),
  'gives pools their defaults': async (api) => {
    const made = await api.post(api.own('agentpools'), object('p1'));
    expect(made.body).toMatchObject({
      spec: { hostAccess: false, terminationGracePeriodSeconds: 600, maxUnavailable: '1' },
    });
  },
  'keeps what only pods and plugins know': async (api) => {
    const spec = {
      tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }],
      affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
      resources: { limits: { cpu: '500m', memory: '1Gi' } },
      plugins: [{ type: 'shell', config: { nsenter: true } }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
      volumeMounts: [{ name: 'data', mountPath: '/srv', readOnly: true }],
    };
    expect((await api.post(api.own('agentpools'), object('p1', spec))).body).toMatchObject({ spec });
  },
  'keeps the sort of a pool as it is': async (api) => {
    await api.post(api.own('agentpools'), object('p1'));
    const change = (spec: object): ReturnType<Api['patch']> => api.patch(api.own('agentpools', 'p1'), { spec });
    expect((await change({ workload: 'DaemonSet' })).status).toBe(422);
    expect((await change({ hostAccess: true })).status).toBe(422);
    expect((await change({ replicas: 3 })).status).toBe(200);
  },
};
