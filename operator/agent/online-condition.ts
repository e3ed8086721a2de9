import { findCondition, withCondition } from '../../kube/conditions.ts';
import type { NewCondition } from '../../kube/conditions.ts';
import type { Agent, AgentStatus } from '../../kube/types/agent.ts';
import type { Presence } from '../deploytask/world.ts';

/**
 * The status to merge into an Agent's so that its condition Online says what is known of its Lease. Undefined: it does,
 * or nothing is known for sure, such as while a Lease is silent that has not run out yet.
 */
export function onlineStatus(agent: Agent, presence: Presence, now: number): AgentStatus | undefined {
  const next = onlineCondition(presence);
  if (next === undefined) return undefined;
  const conditions = agent.status?.conditions;
  const before = findCondition(conditions, 'Online');
  if (before?.status === next.status && before.reason === next.reason) return undefined;
  const observedGeneration = agent.metadata.generation ?? 1;
  return { conditions: withCondition(conditions, { ...next, observedGeneration }, new Date(now)) };
}

function onlineCondition({ online, released, lost }: Presence): NewCondition | undefined {
  if (online) return { type: 'Online', status: 'True', reason: 'LeaseRenewed', message: 'the agent renews its lease' };
  if (released) {
    return { type: 'Online', status: 'False', reason: 'LeaseReleased', message: 'the agent was stopped in good order' };
  }
  if (lost) {
    return { type: 'Online', status: 'False', reason: 'LeaseExpired', message: 'the agent no longer renews its lease' };
  }
  return undefined;
}
