import type { SyncTask } from '../../kube/types/synctask.ts';
import type { SyncWorld } from './world.ts';

export type IdleReason =
  'Stopped' | 'Disabled' | 'SourceNotFound' | 'SourceDisabled' | 'PusherNotFound' | 'PusherDisabled' | 'Deleted';

export interface Idle {
  readonly reason: IdleReason;
  readonly message: string;
}

/**
 * Why the configuration does not let a SyncTask start; undefined when it does. Looked at when it starts only: one that runs
 * goes on with the configuration that it started with. An object that is being deleted is as good as gone.
 */
export function whyIdle(sync: SyncTask, world: SyncWorld): Idle | undefined {
  const { spec, metadata } = sync;
  const namespace = metadata.namespace ?? '';
  if (metadata.deletionTimestamp !== undefined) return { reason: 'Deleted', message: 'the task is being deleted' };
  if (spec.desiredState !== 'Running') return { reason: 'Stopped', message: 'the task is not asked to run' };
  // Absent, the server's default was not filled in: it says disabled.
  if (spec.disabled !== false) return { reason: 'Disabled', message: 'the task is disabled' };
  const source = world.source(namespace, spec.source);
  if (source === undefined || source.metadata.deletionTimestamp !== undefined)
    return { reason: 'SourceNotFound', message: `there is no SyncSource ${spec.source} in namespace ${namespace}` };
  if (source.spec.disabled !== false)
    return { reason: 'SourceDisabled', message: `SyncSource ${spec.source} is disabled` };
  const pusher = world.pusher(namespace, spec.pusher);
  if (pusher === undefined || pusher.metadata.deletionTimestamp !== undefined)
    return { reason: 'PusherNotFound', message: `there is no SyncPusher ${spec.pusher} in namespace ${namespace}` };
  if (pusher.spec.disabled !== false)
    return { reason: 'PusherDisabled', message: `SyncPusher ${spec.pusher} is disabled` };
  return undefined;
}
