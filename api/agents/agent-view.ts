import type { Lease } from '../../kube/resource.ts';
import type { Agent } from '../../kube/types/agent.ts';
import { isOnline } from './agent-directory.ts';

/** An agent as REST shows it. */
export interface AgentView {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  readonly ip: string;
  readonly version: string;
  readonly env: string;
  readonly protocol: string;
  readonly status: 'online' | 'offline';
  readonly last_seen: string | null;
  readonly tags: readonly string[];
  readonly metadata: string;
  readonly created_at: string;
  readonly updated_at: string;
}

export function toAgentView(agent: Agent, lease: Lease | undefined): AgentView {
  const { metadata, spec, status } = agent;
  const online = status?.conditions?.find(({ type }) => type === 'Online');
  const createdAt = metadata.creationTimestamp ?? '';
  const { os, taskTypes, instance, startTime } = status ?? {};
  const { maxConcurrent, unschedulable } = spec ?? {};
  return {
    id: metadata.name,
    name: metadata.name,
    hostname: status?.hostname ?? '',
    ip: status?.ip ?? '',
    version: status?.version ?? '',
    env: status?.env ?? '',
    protocol: 'kubernetes',
    status: isOnline(agent) ? 'online' : 'offline',
    last_seen: lease?.spec?.renewTime ?? online?.lastTransitionTime ?? null,
    tags: spec?.tags ?? [],
    metadata: JSON.stringify({ os, taskTypes, instance, startTime, maxConcurrent, unschedulable }),
    created_at: createdAt,
    updated_at: online?.lastTransitionTime ?? createdAt,
  };
}
