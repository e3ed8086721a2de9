import type { DaemonSet, Deployment, Workload } from './kinds.ts';

/** How far a workload is, in one way for both kinds. */
export interface Rollout {
  readonly desired: number;
  readonly current: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
  /** Every pod is as the workload says, ready, and none is left from before. */
  readonly isComplete: boolean;
  /** Kubernetes says that it does not get on. */
  readonly failure?: { readonly reason: string; readonly message: string };
}

export function rolloutOf(workload: Workload, kind: 'DaemonSet' | 'Deployment'): Rollout {
  const counted = kind === 'DaemonSet' ? daemonSetCounts(workload) : deploymentCounts(workload);
  const { desired, current, updated, available } = counted;
  const isSeen = (workload.status?.observedGeneration ?? 0) >= (workload.metadata.generation ?? 1);
  return { ...counted, isComplete: isSeen && current === desired && updated === desired && available === desired };
}

type Counts = Omit<Rollout, 'isComplete'>;

function daemonSetCounts({ status = {} }: DaemonSet): Counts {
  return {
    desired: status.desiredNumberScheduled ?? 0,
    current: status.currentNumberScheduled ?? 0,
    updated: status.updatedNumberScheduled ?? 0,
    ready: status.numberReady ?? 0,
    available: status.numberAvailable ?? 0,
  };
}

function deploymentCounts({ spec, status = {} }: Deployment): Counts {
  const failure = failureOf(status);
  return {
    desired: spec?.replicas ?? 1,
    current: status.replicas ?? 0,
    updated: status.updatedReplicas ?? 0,
    ready: status.readyReplicas ?? 0,
    available: status.availableReplicas ?? 0,
    ...(failure && { failure }),
  };
}

function failureOf({ conditions = [] }: NonNullable<Deployment['status']>): Rollout['failure'] {
  const failed = conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  if (failed !== undefined) return { reason: failed.reason ?? 'ReplicaFailure', message: failed.message ?? '' };
  const stuck = conditions.find(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded');
  return stuck && { reason: 'ProgressDeadlineExceeded', message: stuck.message ?? '' };
}
