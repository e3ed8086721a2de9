import type { SyncTask } from '../../kube/types/synctask.ts';
import type { SyncDecision, SyncStep } from './decision.ts';
import { releaseDeleted } from './deletion.ts';
import { dispatchSync } from './dispatch.ts';
import { moveFromLostAgent } from './lost-agent.ts';
import { generationOf, observedStatus } from './status.ts';
import type { SyncWorld } from './world.ts';

/** Stopping and restarting are not here: the agent that has the task does both, and gives it back. */
const STEPS: readonly SyncStep[] = [moveFromLostAgent, dispatchSync, observeGeneration];

/**
 * What the operator does about a SyncTask, given what it sees now. Pure. The first step that acts wins; else the earliest of the
 * waits.
 */
export function decideSync(sync: SyncTask, world: SyncWorld): SyncDecision {
  let forMs = Infinity;
  for (const step of sync.metadata.deletionTimestamp === undefined ? STEPS : [releaseDeleted]) {
    const decision = step(sync, world);
    if (decision === undefined) continue;
    if (decision.do !== 'wait') return decision;
    forMs = Math.min(forMs, decision.forMs ?? Infinity);
  }
  return forMs === Infinity ? { do: 'wait' } : { do: 'wait', forMs };
}

function observeGeneration(sync: SyncTask): SyncDecision | undefined {
  if (sync.status?.assignment === undefined || sync.status.observedGeneration === generationOf(sync)) return undefined;
  return { do: 'status', status: observedStatus(sync) };
}
