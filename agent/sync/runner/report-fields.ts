import type { PipelineError, PipelineReport } from '../pipeline/pipeline-report.ts';
import type { Checkpoint } from '../stream-entry.ts';

/** As the CRD has it, in characters. */
const MAX_TEXT = 4096;
const MAX_TABLE = 1024;

/** A status is written every few seconds, and etcd takes 1.5 MiB: positions of sources with long histories must not fill it. */
const MAX_CHECKPOINT_BYTES = 64 * 1024;

const REASON = /^[A-Za-z]([A-Za-z0-9_,:]{0,126}[A-Za-z0-9_])?$/;

/**
 * What a report says, as the CRD takes it: one text that is too long, and the API server would refuse all of it, checkpoints
 * included.
 */
export function reportFields(report: PipelineReport): Readonly<Record<string, unknown>> {
  const { statistics, checkpoints, position, lagMs, snapshot } = report;
  const { trouble: _trouble, ...bus } = report.bus ?? { trouble: undefined };
  return {
    bus: 'info' in bus ? { ...bus, info: cut(bus.info) } : undefined,
    statistics,
    checkpoints: newest(checkpoints),
    position,
    lagMs: lagMs === undefined || !Number.isFinite(lagMs) ? undefined : Math.round(lagMs),
    snapshot: snapshot && {
      ...snapshot,
      ...(snapshot.message !== undefined && { message: cut(snapshot.message) }),
      ...(snapshot.table !== undefined && { table: cut(snapshot.table, MAX_TABLE) }),
    },
  };
}

/** An error as the CRD takes it. */
export function errorFields({ reason, message, time }: PipelineError): PipelineError {
  return { reason: REASON.test(reason) ? reason : 'InternalError', message: cut(message), time };
}

export function cut(text: string, max = MAX_TEXT): string {
  return text.length > max ? `${text.slice(0, max - 1)}…`.toWellFormed() : text;
}

/** The newest stays, however large. */
function newest(checkpoints: readonly Checkpoint[]): readonly Checkpoint[] {
  let bytes = 0;
  const end = checkpoints.findIndex((checkpoint, i) => {
    bytes += Buffer.byteLength(JSON.stringify(checkpoint));
    return i > 0 && bytes > MAX_CHECKPOINT_BYTES;
  });
  return end < 0 ? checkpoints : checkpoints.slice(0, end);
}
