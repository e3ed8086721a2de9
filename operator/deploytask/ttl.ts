import type { DeployTask } from '../../kube/types/deploytask.ts';
import { waitUntil } from './decision.ts';
import type { Decision } from './decision.ts';
import type { World } from './world.ts';

/** Only a task that asks for it is deleted: one that Git holds would come back and run again. */
export function deleteExpired(task: DeployTask, world: World): Decision | undefined {
  const { ttlSecondsAfterFinished } = task.spec;
  const endedAt = Date.parse(task.status?.completionTime ?? '');
  if (ttlSecondsAfterFinished === undefined || Number.isNaN(endedAt)) return undefined;
  if (task.metadata.deletionTimestamp !== undefined) return undefined;
  const expiresAt = endedAt + ttlSecondsAfterFinished * 1000;
  return world.now < expiresAt ? waitUntil(expiresAt, world) : { do: 'delete' };
}
