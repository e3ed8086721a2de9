import type { Logger } from 'pino';
import { backoffMs, sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { isConflict, isNotFound } from '../kube/kube-error.ts';
import { deployTasks } from '../kube/resource.ts';
import { isCancelRequested } from '../kube/task-state.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import type { QueuedTask } from './task-queue.ts';

/** Who starts: only what is assigned to exactly this process. */
export interface Starter {
  readonly agent: string;
  readonly instance: string;
}

export function isAssignedTo(task: DeployTask, { agent, instance }: Starter): boolean {
  const assignment = task.status?.assignment;
  return task.status?.state === 'Assigned' && assignment?.agent === agent && assignment.instance === instance;
}

const BACKOFF = { minMs: 200, maxMs: 5_000 };

/**
 * Moves a task from Assigned to Running, if it still is this process' to start. Resolves to the task as it is then, or
 * to undefined when it is not to be run. When an answer is lost it looks until it knows: nobody else writes Running.
 */
export async function startTask(
  client: KubeClient,
  starter: Starter,
  queued: QueuedTask,
  logger: Logger,
  signal: AbortSignal,
): Promise<DeployTask | undefined> {
  const { namespace, name, uid, epoch } = queued;
  let resourceVersion: string | undefined = queued.resourceVersion;
  for (let failures = 0; !signal.aborted;) {
    try {
      if (resourceVersion === undefined) {
        const task: DeployTask = await client.get(deployTasks, namespace, name, signal);
        if (task.metadata.uid !== uid || task.status?.assignment?.epoch !== epoch) return undefined;
        if (task.status.state === 'Running' && task.status.assignment.instance === starter.instance) return task;
        if (!isAssignedTo(task, starter) || isCancelRequested(task)) return undefined;
        resourceVersion = task.metadata.resourceVersion;
      }
      const status = { state: 'Running', startTime: new Date().toISOString() };
      const patch = { metadata: { resourceVersion }, status };
      // Without the signal: a call that was cut off leaves the task Running with nobody running it.
      return await client.patch(deployTasks, namespace, name, patch, { subresource: 'status' });
    } catch (err) {
      resourceVersion = undefined;
      if (isNotFound(err)) return undefined;
      if (isConflict(err)) continue;
      failures += 1;
      logger.warn({ err, namespace, name, failures }, 'a task could not be started, will be looked at again');
      await sleep(backoffMs(failures, BACKOFF), signal);
    }
  }
  return undefined;
}

/**
 * Confirms that a task which an earlier process moved to Running is still this agent's to run: a conditional write, since
 * the operator may be giving it up just now. Resolves to undefined when it is not.
 */
export async function restartTask(
  client: KubeClient,
  known: DeployTask,
  logger: Logger,
  signal: AbortSignal,
): Promise<DeployTask | undefined> {
  const { namespace, name, uid } = known.metadata;
  const epoch = known.status?.assignment?.epoch;
  let task: DeployTask | undefined = known;
  for (let failures = 0; !signal.aborted;) {
    try {
      task ??= await client.get(deployTasks, namespace, name, signal);
      const { status, metadata } = task;
      if (metadata.uid !== uid || status?.assignment?.epoch !== epoch || status?.state !== 'Running') return undefined;
      const { resourceVersion } = metadata;
      const patch = { metadata: { resourceVersion }, status: { startTime: new Date().toISOString() } };
      return await client.patch(deployTasks, namespace, name, patch, { subresource: 'status' });
    } catch (err) {
      task = undefined;
      if (isNotFound(err)) return undefined;
      if (isConflict(err)) continue;
      failures += 1;
      logger.warn({ err, namespace, name, failures }, 'a task could not be resumed, will be looked at again');
      await sleep(backoffMs(failures, BACKOFF), signal);
    }
  }
  return undefined;
}
