import { hash } from 'node:crypto';
import type { DeployTask, DeployTaskSpec } from './types/deploytask.ts';
import { isFinished } from './task-state.ts';

/** An annotation: who asked for the task. */
export const CREATED_BY = 'tiangong.io/created-by';

/** An annotation that the API writes with an approval: who gave it. */
export const APPROVED_BY = 'tiangong.io/approved-by';

/** Whether the task may run only once somebody has approved it. */
export const needsApproval = ({ spec }: Pick<DeployTask, 'spec'>): boolean => spec.params?.approve !== undefined;

export const isAwaitingApproval = (task: DeployTask): boolean =>
  needsApproval(task) && task.spec.approved !== true && !isFinished(task);

/**
 * What an approval is bound to: everything of a spec that decides what is done where. `sha256:` and the digest of its
 * JSON with sorted keys and no blanks. A command counts by its own digest, the same inline and in the store; the metadata
 * of the parameters does not count. Throws nothing; must never change its meaning, else approvals under way are void.
 */
export function approvalDigest(spec: DeployTaskSpec): string {
  const { metadata: _metadata, ...params } = spec.params ?? {};
  const approved = {
    agent: spec.agent,
    agentSelector: spec.agentSelector,
    type: spec.type,
    command: spec.commandFrom?.blob.sha256 ?? hash('sha256', spec.command ?? ''),
    fileId: spec.fileId,
    fileSha256: spec.fileSha256,
    params,
  };
  return `sha256:${hash('sha256', canonicalJson(approved))}`;
}

/** JSON text that is the same whatever order the keys of an object came in. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${entries.join(',')}}`;
}
