import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { Decision } from './decision.ts';
import { assign } from './dispatch.ts';
import { endedStatus } from './status.ts';
import type { World } from './world.ts';

/**
 * What becomes of a task whose agent's process is gone. Not started: it goes to another process, at a higher epoch,
 * which fences the old one should it still live. Started: nobody knows, and it is never run twice.
 */
export function resolveLostAgent(task: DeployTask, world: World): Decision | undefined {
  const { state, assignment } = task.status ?? {};
  if (assignment === undefined || (state !== 'Assigned' && state !== 'Running')) return undefined;
  const presence = world.presence(assignment.agent);
  if (state === 'Assigned') {
    const replaced = presence.online && presence.instance !== assignment.instance;
    const gone = presence.lost || presence.released || replaced;
    return gone || isDraining(assignment, world) ? assign(task, world) : undefined;
  }
  // A process that took the Lease over reads its journal and reports what it knows.
  if (!presence.lost) return undefined;
  const message = `agent ${assignment.agent} was lost while the task ran: its lease is no longer renewed; the work may or may not have been done`;
  return {
    do: 'status',
    status: endedStatus(task, 'Unknown', 'AgentLost', message, world.now),
    notice: { reason: 'AgentLost', message },
  };
}

/** Whether the process that has the task is being stopped: it begins nothing more, and may go on for long. */
function isDraining({ agent, instance }: { agent: string; instance?: string }, world: World): boolean {
  const { status } = world.agent(agent) ?? {};
  return status?.draining === true && status.instance === instance;
}
