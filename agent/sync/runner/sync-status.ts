import { withCondition } from '../../../kube/conditions.ts';
import type { NewCondition } from '../../../kube/conditions.ts';
import type { Condition } from '../../../kube/object.ts';
import type { SyncTask, SyncTaskStatus } from '../../../kube/types/synctask.ts';
import type { EarlierReport } from '../pipeline/pipeline-options.ts';
import type { PipelineError, PipelineReport } from '../pipeline/pipeline-report.ts';
import { showState } from '../pipeline/sync-state.ts';
import type { SyncFlag } from '../pipeline/sync-state.ts';
import { cut, errorFields, reportFields } from './report-fields.ts';

/** What a run is doing. */
export type RunPhase =
  /** Objects and credentials are being read; there is no pipeline yet. */
  | { readonly kind: 'Starting' }
  | { readonly kind: 'Running' }
  /** The pipeline failed. It is started again at a time, or waits for a person. */
  | { readonly kind: 'Failed'; readonly error: PipelineError; readonly retryAt: Date | undefined }
  /** It ended, and why. */
  | { readonly kind: 'Stopped'; readonly reason: StopReason };

export type StopReason = 'Stopped' | 'Restarting' | 'Deleted' | 'AgentStopped';

export interface RunState {
  readonly phase: RunPhase;
  readonly isStopping: boolean;
  readonly isOutdated: boolean;
  readonly started: SyncTaskStatus['started'];
  /** Of the pipeline that runs or ran last; undefined before the first. */
  readonly report: PipelineReport | undefined;
}

const STOPPED_INFO: Readonly<Record<StopReason, string>> = {
  Stopped: '任务已停止',
  Restarting: '任务正在重启',
  Deleted: '任务已删除',
  AgentStopped: 'Agent 已停止',
};

/** The fields of the status that the agent answers for, as they are to be; undefined ones are to be absent. */
export function agentStatus(known: SyncTask, run: RunState, now: Date): Readonly<Record<string, unknown>> {
  const { phase, report } = run;
  const error = phase.kind === 'Failed' ? phase.error : (troubleOf(run) ?? report?.error);
  return {
    state: showState(flagsOf(run)),
    info: cut(infoOf(run)),
    ...(run.started !== undefined && { started: run.started }),
    conditions: conditionsOf(known, run, now),
    error: error && errorFields(error),
    ...(report !== undefined && reportFields(report)),
    ...(phase.kind === 'Stopped' && { bus: undefined }),
  };
}

/** What a pipeline needs to know of those before it. */
export function earlierReport({ status }: SyncTask): EarlierReport {
  const { checkpoints = [], snapshot, conditions } = status ?? {};
  const lost = conditions?.find(({ type, status: holds }) => type === 'PositionLost' && holds === 'True');
  return {
    checkpoints,
    snapshot: snapshot as EarlierReport['snapshot'],
    positionLoss:
      lost && ({ reason: lost.reason, message: lost.message } as NonNullable<EarlierReport['positionLoss']>),
  };
}

function flagsOf({ phase, report, isOutdated, isStopping }: RunState): readonly SyncFlag[] {
  if (phase.kind === 'Stopped') return [];
  const flags = phaseFlags(phase, report);
  return [
    ...flags,
    ...(isOutdated ? (['RUNNING_CONF_OUTDATE'] as const) : []),
    ...(isStopping ? (['STOPPING'] as const) : []),
  ];
}

function phaseFlags({ kind }: RunPhase, report: PipelineReport | undefined): readonly SyncFlag[] {
  if (kind === 'Failed') return ['ERROR'];
  if (kind === 'Starting' || report === undefined || report.flags.length === 0) return ['STARTING'];
  return report.flags;
}

function infoOf(run: RunState): string {
  const { phase, report } = run;
  if (phase.kind === 'Stopped') return STOPPED_INFO[phase.reason];
  if (phase.kind === 'Failed') return phase.error.message;
  return troubleOf(run)?.message ?? report?.info ?? '';
}

/** What keeps data from flowing in a run that has not failed. */
const troubleOf = ({ phase, report }: RunState): PipelineError | undefined =>
  phase.kind === 'Running' ? report?.trouble : undefined;

function conditionsOf(known: SyncTask, run: RunState, now: Date): Condition[] {
  const observedGeneration = known.metadata.generation ?? 1;
  let conditions: Condition[] = [...(known.status?.conditions ?? [])];
  for (const condition of [readyCondition(run), positionCondition(run), stalledCondition(run)])
    if (condition !== undefined) conditions = withCondition(conditions, { ...condition, observedGeneration }, now);
  return conditions;
}

function readyCondition(run: RunState): NewCondition {
  const { phase } = run;
  if (phase.kind === 'Failed') return no('Ready', errorFields(phase.error).reason, phase.error.message);
  if (phase.kind === 'Stopped') return no('Ready', phase.reason, 'nothing is carried: the task does not run');
  const trouble = troubleOf(run);
  if (trouble !== undefined)
    return no('Ready', errorFields(trouble).reason, `${cut(trouble.message, 4000)}; it is being tried again`);
  const flags = flagsOf(run);
  if (flags.includes('MESSAGE_SYNC') && !flags.includes('ERROR'))
    return { type: 'Ready', status: 'True', reason: 'Streaming', message: 'changes are being carried' };
  return no('Ready', 'Starting', 'the task is being started');
}

function positionCondition({ report }: RunState): NewCondition | undefined {
  if (report === undefined) return undefined;
  const { positionLoss } = report;
  if (positionLoss === undefined) return no('PositionLost', 'NothingLost', 'no change was missed');
  return { type: 'PositionLost', status: 'True', reason: positionLoss.reason, message: positionLoss.message };
}

function stalledCondition({ phase }: RunState): NewCondition {
  if (phase.kind !== 'Failed') return no('Stalled', 'Progressing', 'the task waits for nobody');
  if (phase.retryAt !== undefined)
    return no('Stalled', 'Retrying', `the task is started again at ${phase.retryAt.toISOString()}`);
  return {
    type: 'Stalled',
    status: 'True',
    reason: errorFields(phase.error).reason,
    message: `${phase.error.message}; change the configuration or restart the task`,
  };
}

const no = (type: string, reason: string, message: string): NewCondition => ({
  type,
  status: 'False',
  reason,
  message,
});
