import type { Agent } from '../../kube/types/agent.ts';

/** Whether a change of an Agent may matter to tasks that wait. Its conditions do not: they follow the Lease. */
export function affectsPlacement(agent: Agent | undefined, previous: Agent | undefined): boolean {
  if (agent === undefined || previous === undefined) return true;
  return (
    agent.status?.draining !== previous.status?.draining ||
    agent.metadata.generation !== previous.metadata.generation ||
    !sameText(agent.metadata.labels, previous.metadata.labels) ||
    !sameText(agent.status?.taskTypes, previous.status?.taskTypes)
  );
}

function sameText(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
