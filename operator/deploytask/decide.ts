import { isFinished } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { awaitApproval } from './approval.ts';
import { cancelBeforeStart, endUnreportedDeletion } from './cancel.ts';
import type { Decision, Step } from './decision.ts';
import { endOverdue, failUnstarted } from './deadlines.ts';
import { dispatch } from './dispatch.ts';
import { releaseFinished, releaseNeverAssigned } from './finalizer.ts';
import { resolveLostAgent } from './lost-agent.ts';
import { observeGeneration } from './observed-generation.ts';
import { deleteExpired } from './ttl.ts';
import type { World } from './world.ts';

const BEFORE_THE_END: readonly Step[] = [
  releaseNeverAssigned,
  cancelBeforeStart,
  awaitApproval,
  failUnstarted,
  endOverdue,
  endUnreportedDeletion,
  resolveLostAgent,
  dispatch,
];

const AFTER_THE_END: readonly Step[] = [releaseFinished, deleteExpired, observeGeneration];

/**
 * What the operator does about a task, given what it sees now. Pure: the whole of design.md §3's table that is the
 * operator's can be read and tested here. The first step that acts wins; else the earliest of the waits.
 */
export function decide(task: DeployTask, world: World): Decision {
  let forMs = Infinity;
  for (const step of isFinished(task) ? AFTER_THE_END : BEFORE_THE_END) {
    const decision = step(task, world);
    if (decision === undefined) continue;
    if (decision.do !== 'wait') return decision;
    forMs = Math.min(forMs, decision.forMs ?? Infinity);
  }
  return forMs === Infinity ? { do: 'wait' } : { do: 'wait', forMs };
}
