import { findCondition } from '../../kube/conditions.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import type { Notice } from '../deploytask/decision.ts';

/** Conditions that people are to be told of when they come to hold. */
const ALARMING = ['Stalled', 'PositionLost'] as const;

/**
 * What people are to be told of when an agent has just said that a SyncTask waits for a person, or that changes were missed. A
 * change is told once; what came while no operator looked is not told again after every restart.
 */
export function noticesOf(sync: SyncTask | undefined, previous: SyncTask | undefined): readonly Notice[] {
  if (sync === undefined || previous === undefined) return [];
  return ALARMING.flatMap((type) => {
    const now = findCondition(sync.status?.conditions, type);
    const before = findCondition(previous.status?.conditions, type);
    return now?.status === 'True' && before?.status !== 'True' ? [{ reason: now.reason, message: now.message }] : [];
  });
}
