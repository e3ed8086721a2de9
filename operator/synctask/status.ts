import { findCondition, withCondition } from '../../kube/conditions.ts';
import type { NewCondition } from '../../kube/conditions.ts';
import type { Condition } from '../../kube/object.ts';
import { pendingRestart } from '../../kube/sync-restart.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import type { StatusPatch } from './decision.ts';

/** The status of a SyncTask that is given to an agent's process, at an epoch above all before. Answers a restart. */
export function assignedStatus(sync: SyncTask, agent: string, instance: string, now: number): StatusPatch {
  const time = new Date(now);
  const epoch = (sync.status?.epoch ?? 0) + 1;
  const restartedAt = pendingRestart(sync);
  return {
    observedGeneration: generationOf(sync),
    epoch,
    assignment: { agent, instance, epoch, time: time.toISOString() },
    ...(restartedAt !== undefined && { restartedAt }),
    conditions: withAll(sync, time, [
      { type: 'Scheduled', status: 'True', reason: 'Dispatched', message: `assigned to ${agent}` },
    ]),
  };
}

/** The status of a SyncTask that nothing runs, and why that is so. */
export function idleStatus(sync: SyncTask, reason: string, message: string, now: number): StatusPatch {
  const ready = findCondition(sync.status?.conditions, 'Ready');
  return {
    observedGeneration: generationOf(sync),
    state: 'STOPPED',
    // What its agent said last is not so any more.
    ...(sync.status?.assignment !== undefined && { assignment: null, info: null, bus: null }),
    conditions: withAll(sync, new Date(now), [
      { type: 'Scheduled', status: 'False', reason, message },
      // What an agent said when it stopped stays: it knows more.
      ...(ready?.status === 'False' ? [] : [{ type: 'Ready', status: 'False' as const, reason, message }]),
    ]),
  };
}

/** Whether a SyncTask says just this already, so that there is nothing to write. */
export function saysAlready(sync: SyncTask, reason: string, message: string): boolean {
  const { state, assignment, observedGeneration, conditions } = sync.status ?? {};
  if (state !== 'STOPPED' || assignment !== undefined || observedGeneration !== generationOf(sync)) return false;
  const scheduled = findCondition(conditions, 'Scheduled');
  return (
    scheduled?.status === 'False' &&
    scheduled.reason === reason &&
    scheduled.message === message &&
    findCondition(conditions, 'Ready')?.status === 'False'
  );
}

/** Shows that a new generation was seen of a task that goes on as it is. */
export function observedStatus(sync: SyncTask): StatusPatch {
  const observedGeneration = generationOf(sync);
  const conditions = (sync.status?.conditions ?? []).map((condition) =>
    condition.type === 'Scheduled' ? { ...condition, observedGeneration } : condition,
  );
  return { observedGeneration, conditions };
}

export function generationOf(sync: SyncTask): number {
  return sync.metadata.generation ?? 1;
}

function withAll(sync: SyncTask, time: Date, next: readonly NewCondition[]): Condition[] {
  const observedGeneration = generationOf(sync);
  let conditions: Condition[] = [...(sync.status?.conditions ?? [])];
  for (const condition of next) conditions = withCondition(conditions, { ...condition, observedGeneration }, time);
  return conditions;
}
