import type { Checkpoint } from '../stream-entry.ts';

/** `SyncTask.status.checkpoints` takes no more. */
export const MAX_CHECKPOINTS = 16;

/** This many of the newest stay whatever their age. */
const NEWEST_KEPT = 8;

/**
 * Puts a checkpoint in front. When there are too many, the one goes that is closest in time to its newer neighbour, but none of
 * the newest: a consumer that was put back, by minutes or by days, finds one that is not much older than it.
 */
export function withCheckpoint(checkpoints: readonly Checkpoint[], checkpoint: Checkpoint): readonly Checkpoint[] {
  const [newest] = checkpoints;
  if (newest !== undefined && newest.index >= checkpoint.index) return checkpoints;
  const list = [checkpoint, ...checkpoints];
  while (list.length > MAX_CHECKPOINTS) list.splice(leastMissed(list), 1);
  return list;
}

/** The oldest always stays: it is what the gaps are measured to. */
function leastMissed(list: readonly Checkpoint[]): number {
  let least = list.length - 2;
  let smallest = Infinity;
  for (let at = NEWEST_KEPT; at < list.length - 1; at += 1) {
    const age = gap(list[0], list[at]);
    const between = gap(list[at - 1], list[at + 1]);
    // What is twice as old may stand twice as far apart.
    const weight = between / Math.max(age, 1);
    if (weight <= smallest) [least, smallest] = [at, weight];
  }
  return least;
}

const gap = (newer: Checkpoint | undefined, older: Checkpoint | undefined): number =>
  Math.max(0, Date.parse(newer?.time ?? '') - Date.parse(older?.time ?? '')) || 0;
