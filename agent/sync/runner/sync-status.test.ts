import { describe, expect, it } from 'vitest';
import type { SyncTask } from '../../../kube/types/synctask.ts';
import type { PipelineReport } from '../pipeline/pipeline-report.ts';
import { agentStatus, earlierReport } from './sync-status.ts';
import type { RunState } from './sync-status.ts';

const NOW = new Date('2026-01-01T12:00:00Z');

const task: SyncTask = {
  metadata: { name: 't', namespace: 'default', generation: 3 },
  spec: { source: 's', pusher: 'p' },
  status: { state: 'STARTING' },
};

const report: PipelineReport = {
  flags: ['MESSAGE_SYNC', 'SNAPSHOT_SYNC'],
  info: 'well',
  bus: undefined,
  statistics: {
    ...{ events_pushed: 5, last_pushed_event_id: undefined, pushes: 1, push_failures: 0, rows_rejected: 0 },
    ...{ push_latency_seconds_sum: 0.1, push_latency_seconds_count: 1 },
  },
  checkpoints: [{ index: 1, position: { at: 1 }, time: NOW.toISOString() }],
  position: { index: 1 },
  lagMs: 7,
  snapshot: undefined,
  positionLoss: undefined,
  error: undefined,
};

const running: RunState = {
  ...{ phase: { kind: 'Running' }, isStopping: false, isOutdated: false, started: undefined, report },
};

const error = { reason: 'ConnectionFailed', message: 'no answer', time: NOW.toISOString() };

const conditions = (state: RunState): Record<string, string> => {
  const list = agentStatus(task, state, NOW)['conditions'] as { type: string; status: string; reason: string }[];
  return Object.fromEntries(list.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
};

describe('agentStatus', () => {
  it('joins the flags of the pipeline and those of the run, in their order', () => {
    const state = (change: Partial<RunState>): unknown => agentStatus(task, { ...running, ...change }, NOW)['state'];
    expect(state({})).toBe('SNAPSHOT_SYNC|MESSAGE_SYNC');
    expect(state({ isOutdated: true, isStopping: true })).toBe(
      'SNAPSHOT_SYNC|MESSAGE_SYNC|RUNNING_CONF_OUTDATE|STOPPING',
    );
    expect(state({ phase: { kind: 'Starting' }, report: undefined })).toBe('STARTING');
    expect(state({ phase: { kind: 'Failed', error, retryAt: undefined }, isOutdated: true })).toBe(
      'RUNNING_CONF_OUTDATE|ERROR',
    );
    expect(state({ phase: { kind: 'Stopped', reason: 'Stopped' }, isOutdated: true, isStopping: true })).toBe(
      'STOPPED',
    );
  });

  it('is ready when data flows, and says for whom it waits when none does', () => {
    expect(conditions(running)).toEqual({
      Ready: 'True Streaming',
      PositionLost: 'False NothingLost',
      Stalled: 'False Progressing',
    });
    const failed = (retryAt: Date | undefined): Record<string, string> =>
      conditions({ ...running, phase: { kind: 'Failed', error, retryAt } });
    expect(failed(NOW)).toMatchObject({ Ready: 'False ConnectionFailed', Stalled: 'False Retrying' });
    expect(failed(undefined)).toMatchObject({ Stalled: 'True ConnectionFailed' });
    const trouble = { ...error, message: 'x'.repeat(5000) };
    const troubled = { ...running, report: { ...report, trouble } };
    expect(conditions(troubled)).toMatchObject({ Ready: 'False ConnectionFailed', Stalled: 'False Progressing' });
    const status = agentStatus(task, troubled, NOW) as {
      info: string;
      error: object;
      conditions: { message: string }[];
    };
    expect(status.error).toMatchObject({ reason: 'ConnectionFailed' });
    for (const text of [status.info, ...status.conditions.map(({ message }) => message)])
      expect(text.length).toBeLessThanOrEqual(4096);
    expect(conditions({ ...running, phase: { kind: 'Stopped', reason: 'Restarting' } })).toMatchObject({
      Ready: 'False Restarting',
      Stalled: 'False Progressing',
    });
  });

  it('leaves what it does not know yet to what stands there, and takes away what is over', () => {
    const starting = agentStatus(task, { ...running, phase: { kind: 'Starting' }, report: undefined }, NOW);
    expect(Object.keys(starting).sort()).toEqual(['conditions', 'error', 'info', 'state']);
    expect(starting['error']).toBeUndefined();
    const stopped = agentStatus(task, { ...running, phase: { kind: 'Stopped', reason: 'Stopped' } }, NOW);
    expect(stopped).toMatchObject({ bus: undefined, checkpoints: report.checkpoints, info: '任务已停止' });
    expect('snapshot' in stopped).toBe(true);
  });
});

describe('agentStatus of what the API server would refuse', () => {
  it('cuts texts, and keeps the newest checkpoints', () => {
    const checkpoints = Array.from({ length: 16 }, (_, index) => ({
      ...{ index: 16 - index, position: { gtid: 'x'.repeat(10_000) }, time: NOW.toISOString() },
    }));
    const long = { ...report, lagMs: 1.5, info: 'i'.repeat(5000), checkpoints };
    const failure = { reason: 'no reason at all', message: 'm'.repeat(5000), time: NOW.toISOString() };
    const status = agentStatus(
      task,
      { ...running, report: long, phase: { kind: 'Failed', error: failure, retryAt: undefined } },
      NOW,
    ) as { info: string; lagMs: number; checkpoints: unknown[]; error: typeof failure };
    expect(status.info).toHaveLength(4096);
    expect(status.error).toMatchObject({ reason: 'InternalError' });
    expect(status.error.message).toHaveLength(4096);
    expect(status.lagMs).toBe(2);
    expect(status.checkpoints).toEqual(checkpoints.slice(0, 6));
    const [only] = agentStatus(
      task,
      {
        ...running,
        report: { ...long, checkpoints: [{ ...checkpoints[0]!, position: { gtid: 'x'.repeat(100_000) } }] },
      },
      NOW,
    )['checkpoints'] as unknown[];
    expect(only).toBeDefined();
  });
});

describe('earlierReport', () => {
  it('reads what an earlier pipeline left in the status', () => {
    const positionLoss = { reason: 'SnapshotNeeded' as const, message: 'the log was purged' };
    const status = agentStatus(task, { ...running, report: { ...report, positionLoss } }, NOW);
    expect(earlierReport({ ...task, status })).toEqual({
      checkpoints: report.checkpoints,
      snapshot: undefined,
      positionLoss,
    });
    expect(earlierReport(task)).toEqual({ checkpoints: [], snapshot: undefined, positionLoss: undefined });
  });
});
