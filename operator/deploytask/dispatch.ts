import { isAwaitingApproval } from '../../kube/task-digest.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { newApproval } from './approval.ts';
import type { Decision } from './decision.ts';
import { place } from './placement.ts';
import { assignedStatus, pendingStatus, saysAlready } from './status.ts';
import type { World } from './world.ts';

/** Gives a task that waits for an agent to one, or says why not. */
export function dispatch(task: DeployTask, world: World): Decision | undefined {
  const { state = 'Pending' } = task.status ?? {};
  return state === 'Pending' && !isAwaitingApproval(task) ? assign(task, world) : undefined;
}

/** Assigns a task that has not been started, at the next epoch, or says why it must wait. */
export function assign(task: DeployTask, world: World): Decision {
  const placement = place(task, world);
  const approval = newApproval(task, world.now);
  if (placement.agent !== undefined) {
    const status = assignedStatus(task, placement.agent, placement.instance, world.now);
    return { do: 'status', status: { ...status, ...approval } };
  }
  const { reason, message } = placement;
  if (saysAlready(task, reason, message) && approval.approval === undefined) return { do: 'wait' };
  return {
    do: 'status',
    status: { ...pendingStatus(task, reason, message, world.now), ...approval },
    notice: { reason, message },
  };
}
