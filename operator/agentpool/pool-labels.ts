/** Names the pool of a pod, of what the operator makes for it, and of the Agent that the pod registers. */
export const POOL_LABEL = 'tiangong.io/agent-pool';

/** Marks what acts on the nodes themselves. */
export const HOST_ACCESS_LABEL = 'tiangong.io/host-access';

const COMPONENT = { 'app.kubernetes.io/name': 'tiangong', 'app.kubernetes.io/component': 'agent' };

/** How a workload knows its pods. Never to be changed: Kubernetes does not let it. */
export const selectorLabels = (pool: string): Record<string, string> => ({
  'app.kubernetes.io/component': 'agent',
  [POOL_LABEL]: pool,
});

/** The labels of everything that the operator makes for a pool. */
export function poolLabels(pool: string, hostAccess: boolean, instance: string | undefined): Record<string, string> {
  return {
    ...COMPONENT,
    ...(instance !== undefined && { 'app.kubernetes.io/instance': instance }),
    'app.kubernetes.io/managed-by': 'tiangong-operator',
    [POOL_LABEL]: pool,
    ...(hostAccess && { [HOST_ACCESS_LABEL]: 'true' }),
  };
}
