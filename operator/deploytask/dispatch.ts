import { findCondition } from '../../kube/conditions.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { Decision } from './decision.ts';
import { place } from './placement.ts';
import { assignedStatus, generationOf, pendingStatus } from './status.ts';
import type { World } from './world.ts';

/** Gives a task that waits for an agent to one, or says why not. */
export function dispatch(task: DeployTask, world: World): Decision | undefined {
  const state = task.status?.state;
  return state === undefined || state === 'Pending' ? assign(task, world) : undefined;
}

/** Assigns a task that has not been started, at the next epoch, or says why it must wait. */
export function assign(task: DeployTask, world: World): Decision {
  const placement = place(task, world);
  if (placement.agent !== undefined) {
    return { do: 'status', status: assignedStatus(task, placement.agent, placement.instance, world.now) };
  }
  const { reason, message } = placement;
  if (saysAlready(task, reason, message)) return { do: 'wait' };
  return {
    do: 'status',
    status: pendingStatus(task, reason, message, world.now),
    notice: { reason, message },
  };
}

function saysAlready(task: DeployTask, reason: string, message: string): boolean {
  if (task.status?.state !== 'Pending' || task.status.observedGeneration !== generationOf(task)) return false;
  const assigned = findCondition(task.status.conditions, 'Assigned');
  return assigned?.status === 'False' && assigned.reason === reason && assigned.message === message;
}
