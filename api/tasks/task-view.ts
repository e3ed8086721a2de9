import { approvalDigest, isAwaitingApproval } from '../../kube/task-digest.ts';
import type { TaskState } from '../../kube/task-state.ts';
import type { DeployTask, DeployTaskSpec, DeployTaskStatus } from '../../kube/types/deploytask.ts';
import { showParams } from './masked-params.ts';
import { formatTaskId } from './task-id.ts';
import { MASKED_PARAMS } from './task-body.ts';
import type { ReadTask } from './task-reader.ts';

export type TaskStatus = 'pending' | 'running' | 'success' | 'failed' | 'canceled';

/** A task as REST shows it: the manual's thirteen fields, in the manual's order. */
export interface TaskView {
  id: string;
  agent_id: string;
  type: string;
  status: TaskStatus;
  command: string;
  params: string;
  file_id: string;
  result: string;
  error: string;
  started_at: string | null;
  finished_at: string | null;
  created_at: string;
  updated_at: string;
  result_pending?: true;
  result_truncated?: true;
  /** What an approval would be bound to, while the task waits for one. */
  approval_digest?: string;
  /** Of the SQL that undoes the task, where there is word of one. */
  rollback?: { available: boolean; exact: boolean; statements: number; bytes: number; message?: string };
}

const STATUS: Readonly<Record<TaskState, TaskStatus>> = {
  Pending: 'pending',
  Assigned: 'running',
  Running: 'running',
  Succeeded: 'success',
  Failed: 'failed',
  Unknown: 'failed',
  Canceled: 'canceled',
};

export function statusOf(task: DeployTask): TaskStatus {
  return STATUS[task.status?.state ?? 'Pending'];
}

export function agentOf({ spec, status }: DeployTask): string {
  return spec.agent ?? status?.assignment?.agent ?? '';
}

export function toTaskView({ task, body }: ReadTask, homeNamespace: string): TaskView {
  const { metadata, spec, status } = task;
  const createdAt = metadata.creationTimestamp ?? '';
  return {
    id: formatTaskId({ namespace: metadata.namespace ?? '', name: metadata.name }, homeNamespace),
    agent_id: agentOf(task),
    type: spec.type,
    status: statusOf(task),
    command: body.command,
    params: showParams(body.params, metadata.annotations?.[MASKED_PARAMS], metadata.name),
    file_id: spec.fileId ?? '',
    result: body.result,
    error: errorOf(task, body.error),
    started_at: status?.startTime ?? null,
    finished_at: status?.completionTime ?? null,
    created_at: createdAt,
    updated_at: status?.completionTime ?? status?.startTime ?? status?.assignment?.time ?? createdAt,
    ...(isAwaitingApproval(task) && { approval_digest: digestOf(task, body) }),
    ...(status?.rollback !== undefined && { rollback: rollbackOf(status.rollback) }),
  };
}

const digestOf = ({ spec }: DeployTask, { command, params }: ReadTask['body']): string =>
  approvalDigest({ ...spec, command, params: JSON.parse(params) as NonNullable<DeployTaskSpec['params']> });

function rollbackOf({
  available,
  exact,
  statements,
  bytes,
  message,
}: NonNullable<DeployTaskStatus['rollback']>): NonNullable<TaskView['rollback']> {
  return { available, exact, statements, bytes, ...(message !== undefined && { message }) };
}

/** REST has no word for an unknown outcome, so the error says it. */
function errorOf({ status }: DeployTask, error: string): string {
  if (status?.state === 'Succeeded') return '';
  const condition = status?.conditions?.find(({ type }) => type === 'Succeeded');
  const text = error || (status?.completionTime === undefined ? '' : (condition?.message ?? ''));
  if (status?.state !== 'Unknown') return text;
  return `outcome unknown, the work may or may not have been done: ${text || (condition?.reason ?? 'no report')}`;
}
