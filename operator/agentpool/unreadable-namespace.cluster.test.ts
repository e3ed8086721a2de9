import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { KubeClient } from '../../kube/client.ts';
import { findCondition } from '../../kube/conditions.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { agentPools } from '../../kube/resource.ts';
import type { AgentPoolSpec } from '../../kube/types/agentpool.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import { Operator } from '../operator.ts';
import { defaultSettings } from '../settings.ts';
import { deployments } from './kinds.ts';
import { SETTINGS } from './pool-fixture.ts';

const WITHIN = { timeout: 60_000, interval: 100 };

describe.skipIf(!hasCluster())('a host namespace that the operator has no rights in', () => {
  it('holds up the pools of that namespace alone, and they say so', async () => {
    const cluster = await sharedCluster();
    const { client, namespace: ns } = cluster;
    const transport = cluster.transportFor('operator');
    const refusing = new KubeClient({
      send: (request) =>
        request.path.includes('/namespaces/no-rights/')
          ? Promise.reject(new KubeError(403, { reason: 'Forbidden', message: 'no rights' }, request.path))
          : transport.send(request),
      close: () => transport.close(),
    });
    const stop = new AbortController();
    const operator = new Operator({
      client: refusing,
      logger: pino({ level: 'silent' }),
      settings: {
        ...{ ...defaultSettings, homeNamespace: ns, instance: 'test' },
        pools: { ...SETTINGS, hostNamespace: 'no-rights' },
      },
    });
    const ended = operator.run(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await ended;
    });
    await vi.waitUntil(() => operator.ready, WITHIN);
    const create = (name: string, spec: AgentPoolSpec): Promise<unknown> =>
      client.create(agentPools, ns, { metadata: { name }, spec });
    await create('hosts', { workload: 'DaemonSet', hostAccess: true });
    await create('web', { workload: 'Deployment' });
    await vi.waitFor(() => client.get(deployments, ns, 'web'), WITHIN);
    const stalled = async (): Promise<unknown> => {
      const { status } = await client.get(agentPools, ns, 'hosts');
      return findCondition(status?.conditions, 'Stalled');
    };
    await expect.poll(stalled, WITHIN).toMatchObject({ status: 'True', reason: 'NamespaceUnreadable' });
  });
});
