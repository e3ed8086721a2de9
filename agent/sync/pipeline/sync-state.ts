/** What a running SyncTask does, in the order in which `status.state` joins them (facts §1.4). */
export const SYNC_FLAGS = [
  'STARTING',
  'SNAPSHOT_SYNC',
  'MESSAGE_SYNC',
  'RUNNING_CONF_OUTDATE',
  'STOPPING',
  'ERROR',
] as const;

export type SyncFlag = (typeof SYNC_FLAGS)[number];

/** `SNAPSHOT_SYNC|MESSAGE_SYNC`; `STOPPED` where nothing is set. */
export function showState(flags: Iterable<SyncFlag>): string {
  const set = new Set(flags);
  return SYNC_FLAGS.filter((flag) => set.has(flag)).join('|') || 'STOPPED';
}
