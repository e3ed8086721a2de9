import { APPROVED_BY, CREATED_BY } from '../../kube/task-digest.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { LogLine } from '../../store/log-chunk.ts';
import { searchableMetadata } from './task-metadata.ts';

/** The bulky part of a task, which informers drop (design.md §3). */
export interface TaskBody {
  /** The version of the object that the body was part of. */
  readonly resourceVersion: string;
  readonly command: string;
  /** `spec.params` as JSON text. */
  readonly params: string;
  readonly result: string;
  readonly lines: readonly LogLine[];
  readonly error: string;
}

/** The paths in `params` that the API took credentials from, as JSON: what is shown as `***`. */
export const MASKED_PARAMS = 'tiangong.io/masked-params';

/** Beside it, who made and who approved the task: the audit trail has them. */
const KEPT_ANNOTATIONS: readonly string[] = [MASKED_PARAMS, CREATED_BY, APPROVED_BY];

/** What an object of the cache and its index entries cost beside its body. */
const OVERHEAD_BYTES = 200;

/** Takes the body out of a task, which is changed: of its params it keeps what tasks are searched and held by. */
export function takeBody(task: DeployTask): { body: TaskBody; bytes: number } {
  const { metadata, spec, status } = task;
  const body: TaskBody = {
    resourceVersion: metadata.resourceVersion ?? '',
    command: spec.command ?? '',
    params: spec.params === undefined ? '{}' : JSON.stringify(spec.params),
    result: status?.result?.text ?? '',
    lines: status?.log?.lines ?? [],
    error: status?.error ?? '',
  };
  const searchable = searchableMetadata(task);
  const approve = spec.params?.approve;
  delete spec.command;
  delete spec.params;
  if (searchable !== undefined || approve !== undefined)
    spec.params = { ...(searchable && { metadata: searchable }), ...(approve && { approve }) };
  if (status !== undefined) {
    delete status.rollback?.text;
    delete status.result?.text;
    delete status.log?.lines;
    delete status.error;
    const { conditions } = status;
    if (conditions !== undefined) status.conditions = conditions.filter(({ type }) => type === 'Succeeded');
  }
  const kept = Object.entries(metadata.annotations ?? {}).filter(([name]) => KEPT_ANNOTATIONS.includes(name));
  if (kept.length === 0) delete metadata.annotations;
  else metadata.annotations = Object.fromEntries(kept);
  const text = body.command.length + body.params.length + body.result.length + body.error.length;
  const lines = body.lines.reduce((sum, line) => sum + line.message.length + OVERHEAD_BYTES, 0);
  return { body, bytes: OVERHEAD_BYTES + text + lines };
}
