import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { Decision } from './decision.ts';

/** Set by the API at creation: holds a deleted task until its work has been stopped and that was reported. */
export const CLEANUP_FINALIZER = 'tiangong.io/cleanup';

/** Nothing was ever started for such a task, so nothing has to be stopped. */
export function releaseNeverAssigned(task: DeployTask): Decision | undefined {
  return task.status?.assignment === undefined ? releaseFinished(task) : undefined;
}

/** Lets a deleted task go. Call it only for one whose work is over. */
export function releaseFinished(task: DeployTask): Decision | undefined {
  const { deletionTimestamp, finalizers = [] } = task.metadata;
  if (deletionTimestamp === undefined || !finalizers.includes(CLEANUP_FINALIZER)) return undefined;
  return { do: 'finalizers', finalizers: finalizers.filter((name) => name !== CLEANUP_FINALIZER) };
}
