import type { Agent } from '../../kube/types/agent.ts';
import type { DeployTask, DeployTaskSpec, DeployTaskStatus } from '../../kube/types/deploytask.ts';
import type { Presence, World } from './world.ts';

/** The time that fixtures take as now. */
export const NOW = Date.parse('2026-01-01T12:00:00.000Z');

export const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString();

export const ONLINE: Presence = { online: true, instance: 'i1', released: false, lost: false };
export const QUIET: Presence = { online: false, instance: 'i1', released: false, lost: false };
export const LOST: Presence = { online: false, instance: 'i1', released: false, lost: true };
export const RELEASED: Presence = { online: false, instance: '', released: true, lost: false };

/** A task as a server has it, created a minute ago. */
export function taskWith(
  spec: Partial<DeployTaskSpec> = {},
  status: DeployTaskStatus = {},
  metadata: Partial<DeployTask['metadata']> = {},
): DeployTask {
  return {
    metadata: {
      name: 't1',
      namespace: 'default',
      uid: 'u1',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: at(-60),
      ...metadata,
    },
    spec: { type: 'shell', command: 'true', startDeadlineSeconds: 3600, agent: 'a1', ...spec },
    status: { observedGeneration: -1, ...status },
  };
}

/** A task of `taskWith`, without `spec.agent`. */
export function selectingTask(agentSelector: NonNullable<DeployTaskSpec['agentSelector']>): DeployTask {
  const task = taskWith({ agentSelector });
  delete task.spec.agent;
  return task;
}

export const assigned: DeployTaskStatus = {
  state: 'Assigned',
  observedGeneration: 1,
  assignment: { agent: 'a1', instance: 'i1', epoch: 1, time: at(-30) },
};

export const running: DeployTaskStatus = { ...assigned, state: 'Running', startTime: at(-20) };

export function agentWith(name: string, extra: Partial<Agent> = {}): Agent {
  return {
    metadata: { name, namespace: 'default', generation: 1, ...extra.metadata },
    spec: { maxConcurrent: 10, unschedulable: false, ...extra.spec },
    status: { taskTypes: ['shell', 'api'], ...extra.status },
  };
}

interface WorldFixture {
  readonly now?: number;
  readonly agents?: readonly Agent[];
  readonly presence?: Presence | ((name: string) => Presence);
  readonly load?: Readonly<Record<string, number>>;
}

/** A world with one agent, a1, that is online, unless said otherwise. */
export function worldWith({
  now = NOW,
  agents = [agentWith('a1')],
  presence = ONLINE,
  load = {},
}: WorldFixture): World {
  return {
    now,
    homeNamespace: 'default',
    agent: (name) => agents.find((agent) => agent.metadata.name === name),
    agents: () => agents,
    presence: typeof presence === 'function' ? presence : () => presence,
    load: (name) => load[name] ?? 0,
    runningSince: (task) => Date.parse(task.status?.startTime ?? ''),
  };
}
