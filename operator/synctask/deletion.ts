import type { SyncTask } from '../../kube/types/synctask.ts';
import { CLEANUP_FINALIZER } from '../deploytask/finalizer.ts';
import type { Notice } from '../deploytask/decision.ts';
import type { SyncDecision } from './decision.ts';
import { placeSync } from './placement.ts';
import { assignedStatus } from './status.ts';
import type { SyncWorld } from './world.ts';

/** A push under way is cut off at once, a session is closed within seconds; then nobody may be held up any longer. */
const CLEANUP_DEADLINE_MS = 60_000;

/**
 * Lets a deleted SyncTask go once nothing runs it and nothing is left of it on the source's server. What was left there (a
 * replication slot) only an agent can remove: one that is not assigned is assigned once more for that. Whoever has removed it
 * takes `status.started` away.
 */
export function releaseDeleted(sync: SyncTask, world: SyncWorld): SyncDecision | undefined {
  const { deletionTimestamp, finalizers = [] } = sync.metadata;
  if (deletionTimestamp === undefined) return undefined;
  if (!finalizers.includes(CLEANUP_FINALIZER)) return { do: 'wait' };
  const { assignment, started } = sync.status ?? {};
  if (assignment === undefined && started === undefined) return release(finalizers);
  const overdueAt = Date.parse(deletionTimestamp) + CLEANUP_DEADLINE_MS;
  if (world.now >= overdueAt) {
    const message = `no agent reported within ${CLEANUP_DEADLINE_MS / 1000} s that the deleted task has stopped; what it kept at its source, such as a replication slot, may be left there`;
    return release(finalizers, { reason: 'DeletionNotReported', message });
  }
  const wait: SyncDecision = { do: 'wait', forMs: Math.max(1, overdueAt - world.now) };
  if (assignment !== undefined && !isGone(assignment, world)) return wait;
  const placement = placeSync(sync, world);
  if (placement.agent === undefined) return wait;
  return { do: 'status', status: assignedStatus(sync, placement.agent, placement.instance, world.now) };
}

function isGone({ agent, instance }: { agent: string; instance: string }, world: SyncWorld): boolean {
  const presence = world.presence(agent);
  return presence.lost || presence.released || (presence.online && presence.instance !== instance);
}

function release(finalizers: readonly string[], notice?: Notice): SyncDecision {
  const left = finalizers.filter((name) => name !== CLEANUP_FINALIZER);
  return { do: 'finalizers', finalizers: left, ...(notice && { notice }) };
}
