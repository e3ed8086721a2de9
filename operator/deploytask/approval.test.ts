import { describe, expect, it } from 'vitest';
import { findCondition } from '../../kube/conditions.ts';
import { APPROVED_BY, approvalDigest } from '../../kube/task-digest.ts';
import type { DeployTask, DeployTaskSpec, DeployTaskStatus } from '../../kube/types/deploytask.ts';
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import { slimTask } from './slim-task.ts';
import { NOW, QUIET, assigned, at, running, taskWith, worldWith } from './task-fixture.ts';
import type { World } from './world.ts';

const params = { approve: 'required' as const, cwd: '/srv' };
const DAY = 86_400;

/** As the operator sees it: without what is large. */
const held = (
  spec: Partial<DeployTaskSpec> = {},
  status: DeployTaskStatus = {},
  metadata: Partial<DeployTask['metadata']> = {},
): DeployTask => slimTask(taskWith({ params, ...spec }, status, metadata));

function statusOf(decision: Decision): DeployTaskStatus {
  expect(decision.do).toBe('status');
  return decision.do === 'status' ? decision.status : {};
}

const waiting = (): DeployTaskStatus => statusOf(decide(held(), worldWith({})));
const outline = (task: DeployTask, world: World = worldWith({})): string => {
  const { state = '', conditions } = statusOf(decide(task, world));
  const type = state === 'Pending' || state === 'Assigned' ? 'Assigned' : 'Succeeded';
  return `${state} ${findCondition(conditions, type)?.reason ?? ''}`;
};

describe('a task that needs approval', () => {
  it('waits, and says for what and how to approve it', () => {
    const status = waiting();
    expect(status.state).toBe('Pending');
    const { reason, message } = findCondition(status.conditions, 'Succeeded') ?? {};
    expect(reason).toBe('AwaitingApproval');
    expect(message).toContain(approvalDigest(taskWith({ params }).spec));
    expect(message).toContain('POST /api/v1/tasks/t1/approve');
    expect(message).toContain(`kubectl patch dt t1 --type merge -p '{"spec":{"approved":true}}'`);
  });

  it('names itself in full where it is not at home', () => {
    const { conditions } = statusOf(decide(held({}, {}, { namespace: 'other' }), worldWith({})));
    const message = findCondition(conditions, 'Succeeded')?.message;
    expect(message).toContain('POST /api/v1/tasks/other:t1/approve');
    expect(message).toContain('kubectl patch dt t1 -n other --type');
  });

  it('is written to once, and looked at again when the approval expires', () => {
    const decision = decide(held({}, waiting()), worldWith({}));
    expect(decision).toEqual({ do: 'wait', forMs: (7 * DAY - 60) * 1000 });
  });

  it('has failed when nobody approved it for a week, whatever its start deadline', () => {
    const created = { creationTimestamp: at(-7 * DAY) };
    expect(outline(held({}, waiting(), created))).toBe('Failed ApprovalExpired');
    expect(decide(held({ startDeadlineSeconds: 0 }, waiting()), worldWith({})).do).toBe('wait');
  });

  it('is canceled as any other', () => {
    expect(outline(held({ cancel: true }, waiting()))).toBe('Canceled CanceledByUser');
    const deleted = { deletionTimestamp: at(-1), finalizers: ['tiangong.io/cleanup'] };
    expect(decide(held({}, waiting(), deleted), worldWith({})).do).toBe('finalizers');
  });

  it('is assigned once it is approved, with the digest, the approver and the time in the same write', () => {
    const annotations = { [APPROVED_BY]: 'user:bob', other: 'x' };
    const task = held({ approved: true }, waiting(), { annotations });
    const status = statusOf(decide(task, worldWith({})));
    expect(status.state).toBe('Assigned');
    const digest = approvalDigest(taskWith({ params }).spec);
    expect(status.approval).toEqual({ digest, by: 'user:bob', time: at(0) });
  });

  it('keeps its approval while its agent is offline, and its start deadline counts from there', () => {
    const task = held({ approved: true }, waiting(), { creationTimestamp: at(-2 * DAY) });
    const offline = statusOf(decide(task, worldWith({ presence: QUIET })));
    expect(findCondition(offline.conditions, 'Assigned')?.reason).toBe('AgentOffline');
    expect(offline.approval?.time).toBe(at(0));
    const later = (seconds: number): World => worldWith({ presence: QUIET, now: NOW + seconds * 1000 });
    const recorded = held({ approved: true, startDeadlineSeconds: 600 }, offline, task.metadata);
    expect(decide(recorded, later(599)).do).toBe('wait');
    expect(outline(recorded, later(602))).toBe('Failed StartDeadlineExceeded');
    expect(statusOf(decide(recorded, worldWith({}))).approval).toBeUndefined();
  });

  it('is left alone when somebody wrote it a state that it cannot have', () => {
    for (const status of [assigned, running]) expect(decide(held({}, status), worldWith({})).do).toBe('wait');
  });

  it('takes no word of a digest or an approver from its own annotations without an approval', () => {
    const annotations = { 'tiangong.io/approval-digest': 'sha256:forged', [APPROVED_BY]: 'user:eve' };
    const status = statusOf(decide(held({}, {}, { annotations }), worldWith({})));
    expect(JSON.stringify(status)).not.toMatch(/forged|eve/);
  });
});
