import { withCondition } from './conditions.ts';
import type { NewCondition } from './conditions.ts';
import type { Condition } from './object.ts';
import type { DeployTask, DeployTaskStatus } from './types/deploytask.ts';

export type TaskState = NonNullable<DeployTaskStatus['state']>;
export type TaskType = DeployTask['spec']['type'];
export type EndState = 'Succeeded' | 'Failed' | 'Canceled' | 'Unknown';

/** States that a task does not leave, but for Unknown, which a late report or a person may settle (design.md §3). */
export const END_STATES: readonly TaskState[] = ['Succeeded', 'Failed', 'Canceled', 'Unknown'];

export function isFinished(task: DeployTask): boolean {
  return task.status?.state !== undefined && END_STATES.includes(task.status.state);
}

/** Cancel was asked for, or the object is being deleted, which cancels first. */
export function isCancelRequested(task: DeployTask): boolean {
  return task.spec.cancel === true || task.metadata.deletionTimestamp !== undefined;
}

/** Manual §8: how long work may take when the task does not say. A person waits for a sync-action in a wizard. */
const DEFAULT_TIMEOUT_SECONDS: Readonly<Partial<Record<TaskType, number>>> = {
  shell: 1800,
  k8s: 1800,
  file: 1800,
  api: 30,
  'sync-action': 60,
};

/** `exec_options.timeout_ms` of a database task that does not set it (manual §4). */
const defaultExecutionTimeoutMs = (type: TaskType): number => (type === 'doris' ? 1_800_000 : 600_000);

/** What a database task gets beyond `timeout_ms`, to stop its statements on the server and to say so. */
const EXECUTION_GRACE_SECONDS = 30;
const MAX_TIMEOUT_SECONDS = 604_800;

/** How long the work may take once started, in seconds. The operator and the agent must agree on it. */
export function timeoutSecondsOf({ spec }: Pick<DeployTask, 'spec'>): number {
  if (spec.timeoutSeconds !== undefined) return spec.timeoutSeconds;
  const bounded = DEFAULT_TIMEOUT_SECONDS[spec.type];
  if (bounded !== undefined) return bounded;
  const timeoutMs = spec.params?.exec_options?.timeout_ms ?? defaultExecutionTimeoutMs(spec.type);
  return Math.min(Math.ceil(timeoutMs / 1000) + EXECUTION_GRACE_SECONDS, MAX_TIMEOUT_SECONDS);
}

/** How long a task may stay Running beyond its timeout before the operator calls its outcome Unknown (design.md §4.6). */
export const TIMEOUT_REPORT_GRACE_SECONDS = 60;

const SUCCEEDED: Readonly<Record<EndState, Condition['status']>> = {
  Succeeded: 'True',
  Failed: 'False',
  Canceled: 'False',
  Unknown: 'Unknown',
};

/**
 * The conditions of a task that has ended. `Succeeded` carries the reason and the message, `Finished` is True, and
 * `Reconciling` and `Stalled` are as kstatus tools read them: a failure is Stalled.
 */
export function endConditions(
  before: readonly Condition[] | undefined,
  state: EndState,
  reason: string,
  message: string,
  observedGeneration: number,
  now: Date,
): Condition[] {
  const stalled = state === 'Failed' || state === 'Unknown' || state === 'Canceled';
  const next: NewCondition[] = [
    { type: 'Succeeded', status: SUCCEEDED[state], reason, message, observedGeneration },
    { type: 'Finished', status: 'True', reason, message: state, observedGeneration },
    { type: 'Reconciling', status: 'False', reason: 'Finished', message: 'the task has ended', observedGeneration },
    {
      type: 'Stalled',
      status: stalled ? 'True' : 'False',
      reason,
      message: stalled ? message : 'the task succeeded',
      observedGeneration,
    },
  ];
  return next.reduce<Condition[]>(
    (conditions, condition) => withCondition(conditions, condition, now),
    [...(before ?? [])],
  );
}

/** The name in the store of what a task's run left: the whole result or the whole log (design.md §3). */
export function storeRef(uid: string, epoch: number, stream: 'result' | 'log' | 'rollback'): string {
  return `${uid}/${epoch}/${stream}`;
}
