import { crc32 } from 'node:zlib';
import type { MergePatch } from '../../kube/client.ts';

/** A run is one assignment of one task: `<uid>/<epoch>`. */
export type RunKey = string;
export const runKey = (uid: string, epoch: number): RunKey => `${uid}/${epoch}`;

export interface ClaimedRecord {
  readonly t: 'claimed';
  readonly key: RunKey;
  readonly namespace: string;
  readonly name: string;
  /** The agent's process that claimed it, as `assignment.instance`. */
  readonly instance: string;
  readonly idempotent: boolean;
}

/** The end of a run as it is to be written to the task: what does not depend on the task's newest version. */
export interface RunReport {
  readonly state: 'Succeeded' | 'Failed' | 'Canceled' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** `exitCode`, `result`, `log`, `error`, times. */
  readonly fields: MergePatch;
}

/**
 * What the journal says of a run, in this order. `started` is on disk before the work begins, `finished` as soon as it
 * has ended; `closed` says that nothing is left to do: the report has landed, or there was nothing to report.
 */
export type JournalRecord =
  | ClaimedRecord
  /** `resumable`: what it does can be found out later where it is done, by another process. */
  | { readonly t: 'started'; readonly key: RunKey; readonly resumable?: true }
  | { readonly t: 'spawned'; readonly key: RunKey; readonly pid: number; readonly pidStart: string | undefined }
  | { readonly t: 'evidence'; readonly key: RunKey; readonly text: string }
  | { readonly t: 'finished'; readonly key: RunKey; readonly report: RunReport }
  | { readonly t: 'closed'; readonly key: RunKey };

/** What is known of a run that is not closed. */
export interface JournalEntry {
  readonly claim: ClaimedRecord;
  readonly phase: 'claimed' | 'started' | 'finished';
  /** The processes that did the work, with their start times from /proc. */
  readonly processes: readonly { readonly pid: number; readonly start: string | undefined }[];
  /** What the executor last said of how far it had come. */
  readonly evidence?: string;
  readonly resumable?: true;
  readonly report: RunReport | undefined;
}

/** A line of the journal: a checksum of the rest, so that a torn or damaged line is known as such. */
export function encodeRecord(record: JournalRecord): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

/** Undefined when the line is not as it was written. */
function decodeRecord(line: string): JournalRecord | undefined {
  const json = line.slice(9);
  if (line[8] !== ' ' || Number.parseInt(line.slice(0, 8), 16) !== crc32(json)) return undefined;
  return JSON.parse(json) as JournalRecord;
}

/** Applies a record; what makes no sense (a start of what was never claimed) is ignored. */
export function applyRecord(entries: Map<RunKey, JournalEntry>, record: JournalRecord): void {
  if (record.t === 'claimed') {
    if (!entries.has(record.key))
      entries.set(record.key, { claim: record, phase: 'claimed', processes: [], report: undefined });
    return;
  }
  const entry = entries.get(record.key);
  if (entry === undefined) return;
  if (record.t === 'closed') entries.delete(record.key);
  else if (record.t === 'finished') entries.set(record.key, { ...entry, phase: 'finished', report: record.report });
  else if (entry.phase === 'finished') return;
  else if (record.t === 'started')
    entries.set(record.key, { ...entry, phase: 'started', ...(record.resumable && { resumable: true }) });
  else if (record.t === 'evidence') entries.set(record.key, { ...entry, phase: 'started', evidence: record.text });
  else {
    const processes = [...entry.processes, { pid: record.pid, start: record.pidStart }];
    entries.set(record.key, { ...entry, phase: 'started', processes });
  }
}

/** The shortest list of records that says the same as `entry`. */
export function recordsOf(entry: JournalEntry): JournalRecord[] {
  const { key } = entry.claim;
  const records: JournalRecord[] = [entry.claim];
  if (entry.phase === 'started' || entry.resumable === true)
    records.push({ t: 'started', key, ...(entry.resumable && { resumable: true }) });
  for (const { pid, start } of entry.processes) records.push({ t: 'spawned', key, pid, pidStart: start });
  if (entry.evidence !== undefined) records.push({ t: 'evidence', key, text: entry.evidence });
  if (entry.report !== undefined) records.push({ t: 'finished', key, report: entry.report });
  return records;
}

/**
 * Reads a journal. A damaged line at the very end is the trace of a crash: it was never acknowledged, so it is as if it
 * had not been written. Damage with whole lines after it may hide a start, so every run that was only claimed then counts
 * as started.
 */
export function replay(text: string): { entries: Map<RunKey, JournalEntry>; damaged: boolean } {
  const entries = new Map<RunKey, JournalEntry>();
  let bad = false;
  let damaged = false;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const record = decodeRecord(line);
    if (record === undefined) bad = true;
    else {
      damaged ||= bad;
      applyRecord(entries, record);
    }
  }
  if (damaged)
    for (const [key, entry] of entries) if (entry.phase === 'claimed') entries.set(key, { ...entry, phase: 'started' });
  return { entries, damaged };
}
