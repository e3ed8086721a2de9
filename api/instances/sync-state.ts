import { specDigest } from '../../kube/sync-spec-digest.ts';
import type { SyncPusher } from '../../kube/types/syncpusher.ts';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';

export const STOPPED = 'STOPPED';
export const OUTDATED = 'RUNNING_CONF_OUTDATE';

/** In the order in which they are shown. */
const FLAGS = ['STARTING', 'SNAPSHOT_SYNC', 'MESSAGE_SYNC', OUTDATED, 'STOPPING', 'ERROR'] as const;

export type SyncFlag = (typeof FLAGS)[number];

/** What a sync runs between, as far as it is there. */
export interface Ends {
  readonly source: SyncSource | undefined;
  readonly pusher: SyncPusher | undefined;
}

/** What a sync does now, as its agent last said; none when it is stopped. A change of its configuration shows at once. */
export function flagsOf(sync: SyncTask, ends: Ends): readonly SyncFlag[] {
  const said = (sync.status?.state ?? STOPPED).split('|');
  const flags = FLAGS.filter((flag) => said.includes(flag));
  if (flags.length === 0 || flags.includes(OUTDATED) || !hasChanged(sync, ends)) return flags;
  return FLAGS.filter((flag) => flag === OUTDATED || flags.includes(flag));
}

/** Whether anything is not as it was when the sync started. What is not known is no difference. */
function hasChanged({ metadata, spec, status }: SyncTask, { source, pusher }: Ends): boolean {
  const { started } = status ?? {};
  if (started === undefined || started.epoch !== status?.epoch) return false;
  if (isNewer(started.source, source) || isNewer(started.pusher, pusher)) return true;
  return (metadata.generation ?? 1) > started.generation && specDigest(spec) !== started.specDigest;
}

function isNewer(used: { uid: string; generation: number }, known: SyncSource | SyncPusher | undefined): boolean {
  if (known === undefined) return false;
  const { uid, generation = 1 } = known.metadata;
  return uid !== used.uid || generation > used.generation;
}

/** Whether anything of the configuration says that the sync may not start (manual: its own, its source's, its pusher's). */
export function isDisabled({ spec }: SyncTask, { source, pusher }: Ends): boolean {
  const configs: readonly { disabled?: boolean }[] = [spec, source?.spec ?? {}, pusher?.spec ?? {}];
  return configs.some(({ disabled = true }) => disabled);
}
