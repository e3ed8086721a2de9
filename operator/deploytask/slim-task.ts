import { approvalNotes } from './approval.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';

/** What the operator reads of a task is small; what it never reads may be 100 KiB. Overwritten, as deleting is slow. */
export function slimTask(task: DeployTask): DeployTask {
  // kubectl keeps a copy of the whole manifest there. What an approval is bound to can be told only now.
  const notes = approvalNotes(task);
  if (task.metadata.annotations !== undefined || Object.keys(notes).length > 0) task.metadata.annotations = notes;
  const spec: { command?: unknown; params?: unknown } = task.spec;
  if (spec.command !== undefined) spec.command = undefined;
  // Of the parameters only what bounds the run or holds it.
  const { approve, exec_options: { timeout_ms: timeoutMs } = {} } = task.spec.params ?? {};
  if (spec.params !== undefined)
    spec.params =
      timeoutMs === undefined && approve === undefined
        ? undefined
        : {
            ...(approve !== undefined && { approve }),
            ...(timeoutMs !== undefined && { exec_options: { timeout_ms: timeoutMs } }),
          };
  const { status } = task;
  if (status === undefined) return task;
  if (status.result !== undefined) status.result = { bytes: status.result.bytes };
  if (status.log !== undefined) status.log = { total: status.log.total };
  if (status.rollback !== undefined) (status as { rollback?: unknown }).rollback = undefined;
  return task;
}
