import { RESTART_ANNOTATION } from '../../kube/sync-restart.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';

/** How the SyncTasks are found that a change of another object concerns. */
export const syncIndexes = {
  /** By the agent that has them. */
  assigned: (sync: SyncTask): readonly string[] => {
    const agent = sync.status?.assignment?.agent;
    return agent === undefined ? [] : [agent];
  },
  /** Those that may need an agent and have none, all under one value: any change of agents may help any of them. */
  waiting: ({ spec, status, metadata }: SyncTask): readonly string[] => {
    const wantsAgent = spec.desiredState === 'Running' || metadata.deletionTimestamp !== undefined;
    return wantsAgent && status?.assignment === undefined ? [WAITING] : [];
  },
  /** By namespace and name of what they read from. */
  source: (sync: SyncTask): readonly string[] => [`${sync.metadata.namespace ?? ''}/${sync.spec.source}`],
  /** By namespace and name of what they push to. */
  pusher: (sync: SyncTask): readonly string[] => [`${sync.metadata.namespace ?? ''}/${sync.spec.pusher}`],
};

export const WAITING = 'waiting';

/** What the operator reads of a SyncTask is small; mappings and checkpoints may be 100 KiB. */
export function slimSync(sync: SyncTask): SyncTask {
  delete sync.spec.fields_mapping;
  // kubectl keeps a copy of the whole manifest there.
  const { [RESTART_ANNOTATION]: restart } = sync.metadata.annotations ?? {};
  if (restart === undefined) delete sync.metadata.annotations;
  else sync.metadata.annotations = { [RESTART_ANNOTATION]: restart };
  const { status } = sync;
  if (status === undefined) return sync;
  const { observedGeneration, conditions, state, epoch, restartedAt, assignment, started } = status;
  const kept = { observedGeneration, conditions, state, epoch, restartedAt, assignment, started };
  sync.status = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
  return sync;
}
