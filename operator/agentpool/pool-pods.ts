import type { Pod } from './kinds.ts';
import { POOL_LABEL } from './pool-labels.ts';

/** How pods are found. */
export const podIndexes = {
  /** By their pool. */
  pool: (pod: Pod): readonly string[] => [poolOf(pod)],
  /** By the agents that they may be: after the pod in a Deployment, after the node in a DaemonSet. Not those that have ended. */
  agent: (pod: Pod): readonly string[] => {
    const { phase } = pod.status ?? {};
    if (phase === 'Failed' || phase === 'Succeeded') return [];
    const node = pod.spec?.nodeName;
    return [pod.metadata.name, ...(node === undefined ? [] : [`${poolOf(pod)}-${node}`])];
  },
};

/** The pool that a pod is of: its label is the operator's own, and no agent may change pods. */
export const poolOf = ({ metadata }: Pod): string => metadata.labels?.[POOL_LABEL] ?? '';

/** What the operator reads of a pod is small. */
export function slimPod(pod: Pod): Pod {
  const { name, namespace, uid, resourceVersion, labels } = pod.metadata;
  const pool = labels?.[POOL_LABEL];
  const { phase, conditions, containerStatuses } = pod.status ?? {};
  return {
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(pool !== undefined && { labels: { [POOL_LABEL]: pool } }),
    },
    spec: pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName },
    status: {
      ...(phase !== undefined && { phase }),
      ...(conditions && { conditions: conditions.filter(({ type }) => type === 'PodScheduled') }),
      ...(containerStatuses && {
        containerStatuses: containerStatuses.map(({ name: container, state, lastState }) => ({
          name: container,
          ...(state?.waiting && { state: { waiting: state.waiting } }),
          ...(lastState?.terminated && { lastState: { terminated: lastState.terminated } }),
        })),
      }),
    },
  };
}
