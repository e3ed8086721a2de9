import type { SyncTask } from '../../kube/types/synctask.ts';
import { CLEANUP_FINALIZER } from '../deploytask/finalizer.ts';
import type { SyncDecision } from './decision.ts';
import { whyIdle } from './enablement.ts';
import { placeSync } from './placement.ts';
import { assignedStatus, idleStatus, saysAlready } from './status.ts';
import type { SyncWorld } from './world.ts';

/** Gives a SyncTask that nothing runs to an agent, or says why not. */
export function dispatchSync(sync: SyncTask, world: SyncWorld): SyncDecision | undefined {
  return sync.status?.assignment === undefined ? assignSync(sync, world) : undefined;
}

/** Assigns a SyncTask at the next epoch if it shall run and can; else takes its assignment away, if it has one, and says why. */
export function assignSync(sync: SyncTask, world: SyncWorld): SyncDecision {
  const idle = whyIdle(sync, world);
  if (idle !== undefined) return beIdle(sync, idle.reason, idle.message, world);
  const placement = placeSync(sync, world);
  if (placement.agent === undefined) {
    const { reason, message } = placement;
    const decision = beIdle(sync, reason, message, world);
    return decision.do === 'status' ? { ...decision, notice: { reason, message } } : decision;
  }
  const { finalizers = [] } = sync.metadata;
  // Before the first thing that must be undone when the task is deleted.
  if (!finalizers.includes(CLEANUP_FINALIZER))
    return { do: 'finalizers', finalizers: [...finalizers, CLEANUP_FINALIZER] };
  return { do: 'status', status: assignedStatus(sync, placement.agent, placement.instance, world.now) };
}

function beIdle(
  sync: SyncTask,
  reason: string,
  message: string,
  world: SyncWorld,
): Extract<SyncDecision, { do: 'wait' | 'status' }> {
  if (saysAlready(sync, reason, message)) return { do: 'wait' };
  return { do: 'status', status: idleStatus(sync, reason, message, world.now) };
}
