import { specDigest } from '../../../kube/sync-spec-digest.ts';
import type { SyncPusher } from '../../../kube/types/syncpusher.ts';
import type { SyncSource } from '../../../kube/types/syncsource.ts';
import type { SyncTask, SyncTaskStatus } from '../../../kube/types/synctask.ts';
import type { Credential } from '../../executors/executor.ts';
import type { PusherConfig } from '../pusher.ts';
import type { SourceConfig } from '../source.ts';

/** The objects that a SyncTask runs with, as they were read when it started. */
export interface RunConfiguration {
  readonly sync: SyncTask;
  readonly source: SyncSource;
  readonly pusher: SyncPusher;
}

/** What REST knows an object by. */
export function idOf({ spec, metadata }: { spec: { id?: string }; metadata: { name: string } }): string {
  return spec.id ?? metadata.name;
}

/** The defaults are the CRD's, for objects that a server did not fill in. */
export function sourceConfigOf(source: SyncSource, credential: Credential | undefined): SourceConfig {
  const { spec } = source;
  return {
    id: idOf(source),
    driver: spec.driver,
    uri: spec.uri,
    credential,
    driverParams: spec.driver_params ?? {},
    maxQueueSize: spec.max_queue_size ?? 1000,
    maxRetries: spec.max_retries ?? 10,
    retryDelayMs: (spec.retry_delay_sec ?? 5) * 1000,
  };
}

/** The defaults are the CRD's, for objects that a server did not fill in. */
export function pusherConfigOf(pusher: SyncPusher, credential: Credential | undefined): PusherConfig {
  const { spec } = pusher;
  return {
    id: idOf(pusher),
    driver: spec.driver,
    endpoint: spec.endpoint,
    credential,
    driverParams: spec.driver_params ?? {},
    batchSize: spec.batch_size ?? 100,
    maxRetries: spec.max_retries ?? 10,
    retryDelayMs: (spec.retry_delay_sec ?? 5) * 1000,
  };
}

/** `status.started` of a task that starts with these objects now. */
export function startedWith(
  { sync, source, pusher }: RunConfiguration,
  epoch: number,
): NonNullable<SyncTaskStatus['started']> {
  return {
    epoch,
    generation: sync.metadata.generation ?? 1,
    specDigest: specDigest(sync.spec),
    source: versionOf(source),
    pusher: versionOf(pusher),
    time: new Date().toISOString(),
  };
}

interface Versioned {
  readonly metadata: { readonly uid?: string; readonly generation?: number; readonly creationTimestamp?: string };
}

const versionOf = ({ metadata: { uid = '', generation = 1 } }: Versioned): { uid: string; generation: number } => ({
  uid,
  generation,
});

/**
 * Whether objects as they are seen now differ from those that a task runs with. What is seen may be older than what was read when
 * it started; that is no difference. Undefined: not seen, which is none either.
 */
export function isOutdated(
  used: RunConfiguration,
  seen: { readonly [K in keyof RunConfiguration]: RunConfiguration[K] | undefined },
): boolean {
  const { sync } = seen;
  return (
    isNewer(used.source, seen.source) ||
    isNewer(used.pusher, seen.pusher) ||
    (sync !== undefined && isNewer(used.sync, sync) && specDigest(sync.spec) !== specDigest(used.sync.spec))
  );
}

function isNewer({ metadata: used }: Versioned, seen: Versioned | undefined): boolean {
  if (seen === undefined) return false;
  const { uid, generation = 1, creationTimestamp = '' } = seen.metadata;
  if (uid === used.uid) return generation > (used.generation ?? 1);
  return creationTimestamp >= (used.creationTimestamp ?? '');
}
