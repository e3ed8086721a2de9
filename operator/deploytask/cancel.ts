import { isCancelRequested } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { waitUntil } from './decision.ts';
import type { Decision } from './decision.ts';
import { endedStatus } from './status.ts';
import type { World } from './world.ts';

/** Killing takes an agent up to 10 s, reporting up to 30 s more; then nobody may be held up any longer. */
const DELETION_REPORT_GRACE_MS = 60_000;

/** What agents say of a task that they cancel, too. */
const CANCELED = 'canceled by user';

/** A task that has not been started is canceled here; once it runs, its agent does that. */
export function cancelBeforeStart(task: DeployTask, world: World): Decision | undefined {
  if (!isCancelRequested(task) || task.status?.state === 'Running') return undefined;
  const message =
    task.spec.cancel === true
      ? 'canceled by the user before it was started'
      : 'deleted by the user before it was started';
  return { do: 'status', status: endedStatus(task, 'Canceled', 'CanceledByUser', message, world.now, CANCELED) };
}

/** A deleted task whose agent does not report must not stay for ever. */
export function endUnreportedDeletion(task: DeployTask, world: World): Decision | undefined {
  const { deletionTimestamp } = task.metadata;
  if (deletionTimestamp === undefined || task.status?.state !== 'Running') return undefined;
  const overdueAt = Date.parse(deletionTimestamp) + DELETION_REPORT_GRACE_MS;
  if (world.now < overdueAt) return waitUntil(overdueAt, world);
  const agent = task.status.assignment?.agent ?? '';
  const message = `the task was deleted while it ran, and agent ${agent} did not report its end within ${DELETION_REPORT_GRACE_MS / 1000} s`;
  return {
    do: 'status',
    status: endedStatus(task, 'Unknown', 'DeletionNotReported', message, world.now),
    notice: { reason: 'DeletionNotReported', message },
  };
}
