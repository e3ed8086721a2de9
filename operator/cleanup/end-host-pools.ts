import type { Logger } from 'pino';
import type { KubeClient } from '../../kube/client.ts';
import { agentPools } from '../../kube/resource.ts';
import { WorkloadWriter } from '../agentpool/workload-writer.ts';

/**
 * Deletes what the pools that are still there have in the host namespace: it does not go with a pool by itself, that is what the
 * pool's finalizer is for. Never rejects.
 */
export async function endHostPools(
  client: KubeClient,
  home: string,
  hostNamespace: string,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const writer = new WorkloadWriter(client);
  try {
    const { items } = await client.list(agentPools, home, { signal });
    for (const pool of items ?? []) if (pool.spec.hostAccess === true) await writer.delete(pool, hostNamespace, signal);
  } catch (err) {
    logger.error({ err, namespace: hostNamespace }, 'agents with access to their nodes may be left there');
  }
}
