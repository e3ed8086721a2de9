import type { DeployTask } from '../../kube/types/deploytask.ts';

/** What the operator reads of a task is small; what it never reads may be 100 KiB. Overwritten, as deleting is slow. */
export function slimTask(task: DeployTask): DeployTask {
  const spec: { command?: unknown; params?: unknown } = task.spec;
  if (spec.command !== undefined) spec.command = undefined;
  // Of the parameters only what bounds the run.
  const timeoutMs = task.spec.params?.exec_options?.timeout_ms;
  if (spec.params !== undefined)
    spec.params = timeoutMs === undefined ? undefined : { exec_options: { timeout_ms: timeoutMs } };
  const { status } = task;
  if (status === undefined) return task;
  if (status.result !== undefined) status.result = { bytes: status.result.bytes };
  if (status.log !== undefined) status.log = { total: status.log.total };
  const { metadata } = task;
  // kubectl keeps a copy of the whole manifest there.
  if (metadata.annotations !== undefined) metadata.annotations = {};
  return task;
}
