import { describe, expect, it } from 'vitest';
import { endConditions } from '../../kube/task-state.ts';
import type { EndState } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { noticeOfOutcome } from './agent-outcome.ts';
import { NOW, taskWith } from './task-fixture.ts';

const running = taskWith({}, { state: 'Running' });

function ended(state: EndState, reason: string): DeployTask {
  return taskWith(
    {},
    { state, conditions: endConditions([], state, reason, `because of ${reason}`, 1, new Date(NOW)) },
  );
}

describe('noticeOfOutcome', () => {
  it.each([
    ['Failed', 'CommandFailed'],
    ['Unknown', 'AgentRestarted'],
  ] as const)('tells of %s by an agent, with its reason', (state, reason) => {
    expect(noticeOfOutcome(ended(state, reason), running)).toEqual({ reason, message: `because of ${reason}` });
  });

  it.each([
    ['a success', ended('Succeeded', 'Completed'), running],
    ['a cancellation', ended('Canceled', 'CanceledByUser'), running],
    ['an end that the operator wrote and told of', ended('Unknown', 'AgentLost'), running],
    ['an end that was seen before', ended('Failed', 'CommandFailed'), ended('Failed', 'CommandFailed')],
    ['an end from before the operator started', ended('Failed', 'CommandFailed'), undefined],
    ['a task that is gone', undefined, running],
  ])('says nothing of %s', (_what, task, previous) => {
    expect(noticeOfOutcome(task, previous)).toBeUndefined();
  });
});
