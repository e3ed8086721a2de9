import { syncPushers, syncSources, syncTasks } from '../../kube/resource.ts';
import type { Resource } from '../../kube/resource.ts';
import type { SyncPusher } from '../../kube/types/syncpusher.ts';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import type { Identified } from './config-id.ts';

/** A configuration that holds a login, as a Secret. */
export type Endpoint = SyncSource | SyncPusher;

/** One of the three kinds of configurations, with the words that messages have for it. */
export interface ConfigKind<T extends Identified> {
  readonly resource: Resource<T>;
  /** As in "Source config 's1' enabled successfully.". */
  readonly title: 'Source' | 'Pusher' | 'Sync';
  /** As in "2 obsolete source configurations". */
  readonly word: 'source' | 'pusher' | 'sync';
}

export const SOURCE: ConfigKind<SyncSource> = { resource: syncSources, title: 'Source', word: 'source' };
export const PUSHER: ConfigKind<SyncPusher> = { resource: syncPushers, title: 'Pusher', word: 'pusher' };
export const SYNC: ConfigKind<SyncTask> = { resource: syncTasks, title: 'Sync', word: 'sync' };
