import { findCondition } from '../../kube/conditions.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { Notice } from './decision.ts';

/** Reasons of an outcome Unknown that the operator itself writes, and has told of then. */
const OWN_REASONS: readonly string[] = ['AgentLost', 'TimeoutNotReported', 'DeletionNotReported'];

/**
 * What people are to be told of when an agent has just ended a task: that it failed, or that its outcome is unknown
 * (design.md §4.9). A change is told once; what ended while no operator looked is not told again after every restart.
 */
export function noticeOfOutcome(task: DeployTask | undefined, previous: DeployTask | undefined): Notice | undefined {
  const state = task?.status?.state;
  if (previous?.status?.state !== 'Running' || (state !== 'Failed' && state !== 'Unknown')) return undefined;
  const { reason = state, message = '' } = findCondition(task?.status?.conditions, 'Succeeded') ?? {};
  return OWN_REASONS.includes(reason) ? undefined : { reason, message };
}
