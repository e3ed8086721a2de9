import type { KubeClient } from '../../kube/client.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import { deployTasks } from '../../kube/resource.ts';
import { APPROVED_BY, approvalDigest, CREATED_BY, needsApproval } from '../../kube/task-digest.ts';
import { isCancelRequested, isFinished } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { ApiError } from '../errors.ts';
import type { TaskName } from './task-id.ts';
import { toKey } from './task-reader.ts';
import type { TaskReader } from './task-reader.ts';

export interface Approval {
  /** What the approver has looked at; undefined: whatever the task is. */
  readonly digest: string | undefined;
  /** Who approves, where callers have identities. */
  readonly by: string | undefined;
}

/** A conflict means that the task has just moved on, which it does a few times while it waits. */
const TRIES = 8;

/** The operator sees a new task within milliseconds. */
const SEEN_MS = 1000;

/**
 * Approves a task that waits for it; an approval by the same caller again changes nothing. Written on the version that was
 * looked at, so that a task which is just being canceled is not said to be approved.
 */
export async function approve(
  client: KubeClient,
  reader: TaskReader,
  name: TaskName,
  { digest, by }: Approval,
): Promise<DeployTask> {
  for (let attempt = 1; ; attempt += 1) {
    const task = await read(client, name);
    check(task, digest, by);
    if (task.spec.approved === true) return task;
    // The API server takes no approval of a task that the operator has not seen.
    if (task.status?.state === undefined) {
      if (attempt === TRIES) throw notWaiting('the operator has not seen it yet; try again');
      await reader.changes.until(toKey(name), (seen) => seen?.status?.state !== undefined, SEEN_MS);
      continue;
    }
    const { resourceVersion } = task.metadata;
    const annotations = { [APPROVED_BY]: by ?? null };
    try {
      const patch = { metadata: { resourceVersion, annotations }, spec: { approved: true } };
      return await client.patch(deployTasks, name.namespace, name.name, patch);
    } catch (err) {
      if (isNotFound(err)) throw new ApiError('TaskNotFound');
      if (!isConflict(err) || attempt === TRIES) throw err;
    }
  }
}

function check(task: DeployTask, digest: string | undefined, by: string | undefined): void {
  if (!needsApproval(task)) throw notWaiting('it needs none');
  if (isFinished(task)) throw notWaiting('it has ended');
  if (isCancelRequested(task)) throw notWaiting('it is being canceled');
  const { annotations = {} } = task.metadata;
  const creator = annotations[CREATED_BY];
  if (creator !== undefined && by === undefined)
    throw new ApiError('ApproverNotAllowed', 'the task has a known creator: say who approves it (Authorization)');
  // Many a proxy lets one person in under both names.
  if (creator !== undefined && creator.toLowerCase() === by?.toLowerCase()) throw new ApiError('ApproverNotAllowed');
  const own = approvalDigest(task.spec);
  if (digest !== undefined && digest !== own)
    throw new ApiError('ApprovalMismatch', `the task is ${own}: look at it again`, { details: { digest: own } });
  if (task.spec.approved === true && annotations[APPROVED_BY] !== by)
    throw notWaiting('somebody else has approved it already');
}

const notWaiting = (why: string): ApiError =>
  new ApiError('TaskNotAwaitingApproval', `the task does not wait for approval: ${why}`);

async function read(client: KubeClient, { namespace, name }: TaskName): Promise<DeployTask> {
  try {
    return await client.get(deployTasks, namespace, name);
  } catch (err) {
    throw isNotFound(err) ? new ApiError('TaskNotFound') : err;
  }
}
