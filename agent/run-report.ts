import type { MergePatch } from '../kube/client.ts';
import { endConditions } from '../kube/task-state.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import type { RunReport } from './journal/journal-record.ts';
import { cutText, jsonBytes } from './output/utf8.ts';

/** Bound on what the agent writes into a status: the design's 32 KiB without what the operator wrote before. */
const MAX_STATUS_BYTES = 31 * 1024;
/** Bound on an error text: it stands in a status three times. */
export const MAX_ERROR_BYTES = 1024;

/** What a report means for the task as it now is. */
export type Verdict =
  /** It is to be written. */
  | 'write'
  /** The operator has given the run up meanwhile: the report settles what was Unknown. */
  | 'settle'
  /** Nothing is to be written: the task has ended, is gone, or is another run's. */
  | 'moot';

export function verdictOn(task: DeployTask, uid: string, epoch: number, report: RunReport): Verdict {
  if (task.metadata.uid !== uid || task.status?.assignment?.epoch !== epoch) return 'moot';
  if (task.status.state === 'Running') return 'write';
  // Unknown may only become Succeeded or Failed (design.md §3).
  const settles = report.state === 'Succeeded' || report.state === 'Failed';
  return task.status.state === 'Unknown' && settles ? 'settle' : 'moot';
}

/** The patch on the status that writes a report, conditional on the version of `task`. */
export function reportPatch(task: DeployTask, report: RunReport, by: string, verdict: Verdict, now: Date): MergePatch {
  const { state, reason, message, fields } = report;
  const generation = task.metadata.generation ?? 0;
  const status: Record<string, unknown> = {
    state,
    ...fields,
    conditions: endConditions(task.status?.conditions, state, reason, message, generation, now),
  };
  if (verdict === 'settle')
    status['resolution'] = {
      by,
      evidence: `the agent reported the end of the same run (epoch ${task.status?.assignment?.epoch}) late`,
    };
  return { metadata: { resourceVersion: task.metadata.resourceVersion }, status };
}

/** A report that is surely small enough: without the log's lines and most of the text. */
export function shrunk(report: RunReport): RunReport {
  // The rollback stays: without it the work could not be undone.
  const { result, log, ...fields } = report.fields as {
    result?: { text?: string };
    log?: object;
  };
  return {
    ...report,
    message: cutText(report.message, MAX_ERROR_BYTES),
    fields: {
      ...fields,
      ...(result === undefined
        ? {}
        : { result: { ...result, text: cutText(result.text ?? '', 1024), truncated: true } }),
      ...(log === undefined ? {} : { log: { ...log, lines: [], truncated: true } }),
    },
  };
}

export const withinBudget = (report: RunReport): RunReport =>
  jsonBytes(report) <= MAX_STATUS_BYTES ? report : shrunk(report);
