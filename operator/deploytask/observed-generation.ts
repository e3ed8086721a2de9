import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { Decision } from './decision.ts';
import { generationOf } from './status.ts';

/**
 * After the end the spec may still change (a new TTL, a cancel that came too late). `kubectl wait` then waits until the
 * condition it is after, or else the status, has observed the new generation.
 */
export function observeGeneration(task: DeployTask): Decision | undefined {
  const generation = generationOf(task);
  const { observedGeneration, conditions = [] } = task.status ?? {};
  const isOld = (observed: number | undefined): boolean => observed !== undefined && observed < generation;
  const conditionsAreOld = conditions.some((condition) => isOld(condition.observedGeneration));
  if (!isOld(observedGeneration) && !conditionsAreOld) return undefined;
  return {
    do: 'status',
    status: {
      observedGeneration: generation,
      ...(conditionsAreOld && {
        conditions: conditions.map((condition) => ({ ...condition, observedGeneration: generation })),
      }),
    },
  };
}
