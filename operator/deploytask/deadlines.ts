import { findCondition } from '../../kube/conditions.ts';
import { TIMEOUT_REPORT_GRACE_SECONDS, timeoutSecondsOf } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { startableSince } from './approval.ts';
import { waitUntil } from './decision.ts';
import type { Decision } from './decision.ts';
import { endedStatus } from './status.ts';
import type { World } from './world.ts';

/** The CRD's default, for servers that did not fill it in. */
const DEFAULT_START_DEADLINE_SECONDS = 3600;

/** creationTimestamp has whole seconds: the task may be this much younger than it says. */
const CREATION_PRECISION_MS = 1000;

/** A task that waited for its start for too long has failed. */
export function failUnstarted(task: DeployTask, world: World): Decision | undefined {
  if (task.status?.state === 'Running') return undefined;
  const seconds = task.spec.startDeadlineSeconds ?? DEFAULT_START_DEADLINE_SECONDS;
  const since = startableSince(task);
  if (since === undefined) return undefined;
  const deadline = since + seconds * 1000 + CREATION_PRECISION_MS;
  if (world.now < deadline) return waitUntil(deadline, world);
  const message = `not started within ${seconds} s: ${whyNotStarted(task)}`;
  return {
    do: 'status',
    status: endedStatus(task, 'Failed', 'StartDeadlineExceeded', message, world.now),
    notice: { reason: 'StartDeadlineExceeded', message },
  };
}

function whyNotStarted(task: DeployTask): string {
  const { state, assignment } = task.status ?? {};
  if (state === 'Assigned') return `agent ${assignment?.agent ?? ''} had no free place for it`;
  const assigned = findCondition(task.status?.conditions, 'Assigned');
  return assigned === undefined ? 'it was not assigned' : `${assigned.reason}: ${assigned.message}`;
}

/** The agent enforces the timeout. When it does not report in time, nobody knows what the work did. */
export function endOverdue(task: DeployTask, world: World): Decision | undefined {
  if (task.status?.state !== 'Running') return undefined;
  const timeout = timeoutSecondsOf(task);
  const overdueAt = world.runningSince(task) + (timeout + TIMEOUT_REPORT_GRACE_SECONDS) * 1000;
  if (world.now < overdueAt) return waitUntil(overdueAt, world);
  const agent = task.status.assignment?.agent ?? '';
  const message = `agent ${agent} did not report the end of the task within its timeout of ${timeout} s and ${TIMEOUT_REPORT_GRACE_SECONDS} s more; the work may or may not have been done`;
  return {
    do: 'status',
    status: endedStatus(task, 'Unknown', 'TimeoutNotReported', message, world.now),
    notice: { reason: 'TimeoutNotReported', message },
  };
}
