import { pendingRestart } from '../../../kube/sync-restart.ts';
import type { SyncTask } from '../../../kube/types/synctask.ts';

/** One assignment of one SyncTask to one process. */
export interface SyncAssignment {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly agent: string;
  readonly instance: string;
  readonly epoch: number;
}

/** The assignment of a SyncTask to this process of this agent; undefined when it is another's or nobody's. */
export function assignmentTo(
  { metadata, status }: SyncTask,
  { agent, instance }: { readonly agent: string; readonly instance: string },
): SyncAssignment | undefined {
  const { uid = '', namespace = '', name } = metadata;
  const assignment = status?.assignment;
  if (assignment?.agent !== agent || assignment.instance !== instance) return undefined;
  return { uid, namespace, name, agent, instance, epoch: assignment.epoch };
}

/** Whether the SyncTask, as it is now, is still assigned so. */
export function holds(assignment: SyncAssignment, { metadata, status }: SyncTask): boolean {
  const { agent, instance, epoch } = status?.assignment ?? {};
  return (
    metadata.uid === assignment.uid &&
    agent === assignment.agent &&
    instance === assignment.instance &&
    epoch === assignment.epoch
  );
}

/** Whether an assigned SyncTask is to be stopped and given back: for good, or to be assigned again. */
export function isToBeGivenBack(sync: SyncTask): boolean {
  const { spec, metadata } = sync;
  return (
    spec.desiredState !== 'Running' || metadata.deletionTimestamp !== undefined || pendingRestart(sync) !== undefined
  );
}
