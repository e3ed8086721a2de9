import { findCondition, withCondition } from '../../kube/conditions.ts';
import type { NewCondition } from '../../kube/conditions.ts';
import type { Condition } from '../../kube/object.ts';
import { endConditions } from '../../kube/task-state.ts';
import type { EndState } from '../../kube/task-state.ts';
import type { DeployTask, DeployTaskStatus } from '../../kube/types/deploytask.ts';

/** The status of a task that is given to an agent's process, at an epoch above all before. */
export function assignedStatus(task: DeployTask, agent: string, instance: string, now: number): DeployTaskStatus {
  const time = new Date(now);
  const message = `assigned to ${agent}`;
  return {
    state: 'Assigned',
    observedGeneration: generationOf(task),
    assignment: { agent, instance, epoch: (task.status?.assignment?.epoch ?? 0) + 1, time: time.toISOString() },
    conditions: unfinished(task, 'True', 'Dispatched', message, time),
  };
}

/** The status of a task that cannot be given to an agent for now. The old assignment stays, so epochs never restart. */
export function pendingStatus(task: DeployTask, reason: string, message: string, now: number): DeployTaskStatus {
  return {
    state: 'Pending',
    observedGeneration: generationOf(task),
    conditions: unfinished(task, 'False', reason, message, new Date(now)),
  };
}

/** Whether a pending task says just this already, so that there is nothing to write. */
export function saysAlready(task: DeployTask, reason: string, message: string): boolean {
  if (task.status?.state !== 'Pending' || task.status.observedGeneration !== generationOf(task)) return false;
  const assigned = findCondition(task.status.conditions, 'Assigned');
  return assigned?.status === 'False' && assigned.reason === reason && assigned.message === message;
}

/** The status of a task that the operator itself ends. REST shows `error`, which is the message unless given. */
export function endedStatus(
  task: DeployTask,
  state: Exclude<EndState, 'Succeeded'>,
  reason: string,
  message: string,
  now: number,
  error = message,
): DeployTaskStatus {
  const time = new Date(now);
  const generation = generationOf(task);
  return {
    state,
    observedGeneration: generation,
    completionTime: time.toISOString(),
    error,
    conditions: endConditions(task.status?.conditions, state, reason, message, generation, time),
  };
}

export function generationOf(task: DeployTask): number {
  return task.metadata.generation ?? 1;
}

function unfinished(
  task: DeployTask,
  assigned: 'True' | 'False',
  reason: string,
  message: string,
  time: Date,
): Condition[] {
  const observedGeneration = generationOf(task);
  const next: NewCondition[] = [
    { type: 'Assigned', status: assigned, reason, message, observedGeneration },
    { type: 'Succeeded', status: 'Unknown', reason, message, observedGeneration },
    { type: 'Reconciling', status: 'True', reason, message, observedGeneration },
  ];
  let conditions: Condition[] = [...(task.status?.conditions ?? [])];
  for (const condition of next) conditions = withCondition(conditions, condition, time);
  return conditions;
}
