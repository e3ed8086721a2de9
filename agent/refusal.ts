import { misplacedParam } from '../kube/misplaced-param.ts';
import { approvalDigest, needsApproval } from '../kube/task-digest.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';

export interface Refusal {
  /** One CamelCase word for the condition. */
  readonly reason: string;
  readonly message: string;
}

/**
 * Why nothing of the task may be executed, whatever its type; undefined: it may. The API server and the operator see to it
 * as well: this is for the day when one of them is older, or was told otherwise by somebody who may write statuses.
 */
export function refusalOf(task: DeployTask): Refusal | undefined {
  const { spec, status } = task;
  const misplaced = misplacedParam(spec.type, spec.params ?? {});
  if (misplaced !== undefined) return { reason: 'InvalidParams', message: misplaced };
  if (!needsApproval(task)) return undefined;
  const refuse = (why: string): Refusal => ({ reason: 'ApprovalMismatch', message: `not run: ${why}` });
  if (spec.approved !== true || status?.approval === undefined) return refuse('the task was not approved');
  if (spec.params?.file_path !== undefined)
    return refuse('an approval says nothing of the file that params.file_path names');
  if (spec.fileId !== undefined && spec.fileSha256 === undefined)
    return refuse('the task has no digest of its file (fileSha256), so nobody knows what was approved');
  const digest = approvalDigest(spec);
  if (digest !== status.approval.digest)
    return refuse(`${status.approval.digest} was approved, and the task is ${digest}`);
  return undefined;
}
