import { APPROVED_BY, approvalDigest, isAwaitingApproval, needsApproval } from '../../kube/task-digest.ts';
import type { DeployTask, DeployTaskStatus } from '../../kube/types/deploytask.ts';
import { waitUntil } from './decision.ts';
import type { Decision } from './decision.ts';
import { endedStatus, pendingStatus, saysAlready } from './status.ts';
import type { World } from './world.ts';

/** On the operator's own copies of tasks, which lack what the digest is made of: the digest. */
const DIGEST_NOTE = 'tiangong.io/approval-digest';

const EXPIRES_DAYS = 7;
const DAY_MS = 24 * 3600 * 1000;

/** Holds a task that nobody has approved yet. What nobody approves for a week has failed: nobody remembers it. */
export function awaitApproval(task: DeployTask, world: World): Decision | undefined {
  const { state = 'Pending' } = task.status ?? {};
  if (!isAwaitingApproval(task) || state !== 'Pending') return undefined;
  const { creationTimestamp = '', name, namespace = '' } = task.metadata;
  const expiresAt = (Date.parse(creationTimestamp) || world.now) + EXPIRES_DAYS * DAY_MS;
  if (world.now >= expiresAt) {
    const message = `not approved within ${EXPIRES_DAYS} days`;
    return {
      do: 'status',
      status: endedStatus(task, 'Failed', 'ApprovalExpired', message, world.now),
      notice: { reason: 'ApprovalExpired', message },
    };
  }
  const isHome = namespace === world.homeNamespace;
  const id = isHome ? name : `${namespace}:${name}`;
  const patch = `kubectl patch dt ${name}${isHome ? '' : ` -n ${namespace}`} --type merge -p '{"spec":{"approved":true}}'`;
  const message = `waits for the approval of ${digestOf(task)}: POST /api/v1/tasks/${id}/approve, or ${patch}`;
  if (saysAlready(task, 'AwaitingApproval', message)) return waitUntil(expiresAt, world);
  return { do: 'status', status: pendingStatus(task, 'AwaitingApproval', message, world.now) };
}

/** What the first write after an approval says of it; nothing when there is nothing to say any more. */
export function newApproval(task: DeployTask, now: number): Pick<DeployTaskStatus, 'approval'> {
  if (!needsApproval(task) || task.spec.approved !== true || task.status?.approval !== undefined) return {};
  const by = task.metadata.annotations?.[APPROVED_BY];
  return {
    approval: {
      digest: digestOf(task),
      ...(by !== undefined && by !== '' && { by: by.slice(0, 253) }),
      time: new Date(now).toISOString(),
    },
  };
}

/** Since when the task may be started, in milliseconds since 1970; undefined: it may not yet. */
export function startableSince(task: DeployTask): number | undefined {
  const time = needsApproval(task) ? task.status?.approval?.time : task.metadata.creationTimestamp;
  const since = Date.parse(time ?? '');
  return Number.isNaN(since) ? undefined : since;
}

/** What stays of a task's annotations in the operator's memory. To be called while the task is whole. */
export function approvalNotes(task: DeployTask): Record<string, string> {
  if (!needsApproval(task) || task.status?.approval !== undefined) return {};
  const by = task.metadata.annotations?.[APPROVED_BY];
  return { [DIGEST_NOTE]: approvalDigest(task.spec), ...(by !== undefined && { [APPROVED_BY]: by }) };
}

const digestOf = (task: DeployTask): string => task.metadata.annotations?.[DIGEST_NOTE] ?? approvalDigest(task.spec);
