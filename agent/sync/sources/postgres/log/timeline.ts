import { parseLsn } from './lsn.ts';

/** Where a server left a timeline for another: it was promoted, or put back to an earlier time. */
interface TimelineEnd {
  readonly timeline: number;
  readonly lsn: number;
}

/** A history file of PostgreSQL: a line for each earlier timeline, with where it was left and why. */
export function readTimelineHistory(text: string): readonly TimelineEnd[] {
  return text.split('\n').flatMap((line) => {
    const [, timeline, lsn] = /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/i.exec(line) ?? [];
    return timeline === undefined || lsn === undefined ? [] : [{ timeline: Number(timeline), lsn: parseLsn(lsn) }];
  });
}

/** Whether a server with this history has all that one had on a timeline up to a place. */
export function contains(history: readonly TimelineEnd[], timeline: number, lsn: number): boolean {
  const at = history.findIndex((end) => end.timeline === timeline);
  // Also later timelines may have been left before that place.
  return at >= 0 && history.slice(at).every((end) => end.lsn >= lsn);
}
