import { describe, expect, it } from 'vitest';
import { endConditions, isCancelRequested, isFinished, storeRef, timeoutSecondsOf } from './task-state.ts';
import type { EndState, TaskState } from './task-state.ts';
import type { DeployTask } from './types/deploytask.ts';

function task(spec: Partial<DeployTask['spec']> = {}, state?: TaskState, deleted?: string): DeployTask {
  return {
    metadata: { name: 'task-1', namespace: 'default', ...(deleted !== undefined && { deletionTimestamp: deleted }) },
    spec: { type: 'shell', agent: 'a', ...spec },
    ...(state !== undefined && { status: { state } }),
  };
}

describe('isFinished', () => {
  it('holds for the four end states alone', () => {
    const states: TaskState[] = ['Pending', 'Assigned', 'Running', 'Succeeded', 'Failed', 'Canceled', 'Unknown'];
    expect(states.filter((state) => isFinished(task({}, state)))).toEqual([
      'Succeeded',
      'Failed',
      'Canceled',
      'Unknown',
    ]);
    expect(isFinished(task())).toBe(false);
  });
});

describe('isCancelRequested', () => {
  it('holds when the spec asks for it or the object is being deleted', () => {
    expect(isCancelRequested(task())).toBe(false);
    expect(isCancelRequested(task({ cancel: false }))).toBe(false);
    expect(isCancelRequested(task({ cancel: true }))).toBe(true);
    expect(isCancelRequested(task({}, 'Running', '2026-01-01T00:00:00Z'))).toBe(true);
  });
});

describe('timeoutSecondsOf', () => {
  it('is what the task says, else the default of its type', () => {
    expect(timeoutSecondsOf(task({ timeoutSeconds: 7 }))).toBe(7);
    expect(timeoutSecondsOf(task())).toBe(1800);
    expect(timeoutSecondsOf(task({ type: 'k8s' }))).toBe(1800);
    expect(timeoutSecondsOf(task({ type: 'api' }))).toBe(30);
  });

  it('leaves a database task half a minute after its own timeout_ms, to stop on the server what still runs', () => {
    const mongo = (timeout_ms: number): number =>
      timeoutSecondsOf(task({ type: 'mongo', params: { exec_options: { timeout_ms } } }));
    expect(timeoutSecondsOf(task({ type: 'mongo' }))).toBe(630);
    expect(timeoutSecondsOf(task({ type: 'doris' }))).toBe(1830);
    expect(mongo(1_500)).toBe(32);
    expect(mongo(604_800_000)).toBe(604_800);
  });
});

describe('endConditions', () => {
  const now = new Date('2026-01-02T00:00:00.000Z');
  const statuses = (state: EndState): Record<string, string> => {
    const conditions = endConditions(undefined, state, 'Because', 'it did', 3, now);
    return Object.fromEntries(conditions.map(({ type, status }) => [type, status]));
  };

  it('say for each end state what kubectl wait and kstatus tools look for', () => {
    const finished = { Finished: 'True', Reconciling: 'False' };
    expect(statuses('Succeeded')).toEqual({ ...finished, Succeeded: 'True', Stalled: 'False' });
    expect(statuses('Failed')).toEqual({ ...finished, Succeeded: 'False', Stalled: 'True' });
    expect(statuses('Canceled')).toEqual({ ...finished, Succeeded: 'False', Stalled: 'True' });
    expect(statuses('Unknown')).toEqual({ ...finished, Succeeded: 'Unknown', Stalled: 'True' });
  });

  it('keep the conditions that are not theirs', () => {
    const assigned = {
      type: 'Assigned',
      status: 'True' as const,
      reason: 'Dispatched',
      message: 'to a',
      lastTransitionTime: '2026-01-01T00:00:00.000Z',
    };
    const conditions = endConditions([assigned], 'Failed', 'CommandFailed', 'exit code 3', 2, now);
    expect(conditions[0]).toBe(assigned);
    expect(conditions.find(({ type }) => type === 'Succeeded')).toEqual({
      type: 'Succeeded',
      status: 'False',
      reason: 'CommandFailed',
      message: 'exit code 3',
      observedGeneration: 2,
      lastTransitionTime: now.toISOString(),
    });
  });
});

describe('storeRef', () => {
  it('names a stream of one run', () => {
    expect(storeRef('u-1', 2, 'log')).toBe('u-1/2/log');
  });
});
