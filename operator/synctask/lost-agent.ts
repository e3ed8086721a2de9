import type { SyncTask } from '../../kube/types/synctask.ts';
import type { SyncDecision } from './decision.ts';
import { assignSync } from './dispatch.ts';
import type { SyncWorld } from './world.ts';

/**
 * What becomes of a SyncTask whose agent's process is gone: it goes to another process at a higher epoch. A process that gave
 * its Lease back, or that another one of its name has replaced, sends nothing any more; one that only fell silent has stopped
 * sending before its Lease ran out, but a consumer may be busy with its last push.
 */
export function moveFromLostAgent(sync: SyncTask, world: SyncWorld): SyncDecision | undefined {
  const { assignment } = sync.status ?? {};
  if (assignment === undefined) return undefined;
  const { online, released, lost, instance } = world.presence(assignment.agent);
  if (released || (online && instance !== assignment.instance)) return assignSync(sync, world);
  if (!lost) return undefined;
  const waitMs = world.moveDelayMs - world.lostForMs(assignment.agent);
  return waitMs > 0 ? { do: 'wait', forMs: waitMs } : assignSync(sync, world);
}
