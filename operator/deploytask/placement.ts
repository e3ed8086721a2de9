import type { Agent } from '../../kube/types/agent.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { matchesLabels } from './label-selector.ts';
import type { LabelSelector } from './label-selector.ts';
import type { World } from './world.ts';

export type PendingReason =
  | 'AgentNotFound'
  | 'AgentOffline'
  | 'AgentDraining'
  | 'AgentUnschedulable'
  | 'NoMatchingAgent'
  | 'TaskTypeNotSupported'
  | 'NamespaceNotServed';

type Obstacle = Exclude<PendingReason, 'AgentNotFound' | 'NoMatchingAgent'>;

export type Placement =
  | { readonly agent: string; readonly instance: string }
  /** The message must stay the same for as long as the reason does: each change of it is a write. */
  | { readonly agent?: never; readonly reason: PendingReason; readonly message: string };

/** The CRD's default, for an Agent that a server did not fill in. */
const DEFAULT_MAX_CONCURRENT = 10;

/**
 * Finds the agent for a task: the one it names, or the least loaded of those its selector matches. A full agent is no
 * obstacle: tasks queue on the agent, by priority and age.
 */
export function place(task: DeployTask, world: World): Placement {
  const { agent: name, agentSelector } = task.spec;
  if (name === undefined) return placeBySelector(task, agentSelector ?? {}, world);
  const agent = world.agent(name);
  if (agent === undefined) return { reason: 'AgentNotFound', message: `there is no agent ${name}` };
  const obstacle = obstacleOf(agent, task, world);
  return obstacle ?? { agent: name, instance: world.presence(name).instance };
}

function placeBySelector(task: DeployTask, selector: LabelSelector, world: World): Placement {
  let best: { name: string; load: number } | undefined;
  let lastObstacle: Obstacle | undefined;
  for (const agent of world.agents()) {
    if (!matchesLabels(selector, agent.metadata.labels)) continue;
    const obstacle = obstacleOf(agent, task, world);
    if (obstacle !== undefined) {
      lastObstacle = nearer(lastObstacle, obstacle.reason);
      continue;
    }
    const { name } = agent.metadata;
    const load = world.load(name) / (agent.spec?.maxConcurrent ?? DEFAULT_MAX_CONCURRENT);
    if (best === undefined || load < best.load || (load === best.load && name < best.name)) best = { name, load };
  }
  if (best !== undefined) return { agent: best.name, instance: world.presence(best.name).instance };
  if (lastObstacle === undefined) {
    return { reason: 'NoMatchingAgent', message: 'no agent has the labels that agentSelector asks for' };
  }
  return { reason: lastObstacle, message: EXPLANATIONS[lastObstacle] };
}

/** The obstacles, the one that is soonest overcome first. */
const BY_NEARNESS: readonly Obstacle[] = [
  'AgentDraining',
  'AgentOffline',
  'AgentUnschedulable',
  'TaskTypeNotSupported',
  'NamespaceNotServed',
];

const EXPLANATIONS: Readonly<Record<Obstacle, string>> = {
  AgentDraining: 'no agent that agentSelector matches is online and is not being stopped',
  AgentOffline: 'every agent that agentSelector matches is offline',
  AgentUnschedulable: 'no agent that agentSelector matches is online and takes new tasks',
  TaskTypeNotSupported: 'no agent that agentSelector matches can run tasks of this type',
  NamespaceNotServed: 'no agent that agentSelector matches takes tasks of this namespace',
};

/** Of several agents that match, the one that is nearest to taking the task gives the reason. */
function nearer(one: Obstacle | undefined, other: Obstacle): Obstacle {
  if (one === undefined) return other;
  return BY_NEARNESS.indexOf(one) <= BY_NEARNESS.indexOf(other) ? one : other;
}

/** Permanent obstacles come first: they are what a person has to mend. */
function obstacleOf(agent: Agent, task: DeployTask, world: World): { reason: Obstacle; message: string } | undefined {
  const { name } = agent.metadata;
  const namespace = task.metadata.namespace ?? '';
  if (!serves(agent, namespace, world)) {
    return { reason: 'NamespaceNotServed', message: `agent ${name} takes no tasks of namespace ${namespace}` };
  }
  // An agent that never reported is offline, whatever it will be able to run.
  const types = agent.status?.taskTypes;
  if (types !== undefined && !types.includes(task.spec.type)) {
    return { reason: 'TaskTypeNotSupported', message: `agent ${name} cannot run tasks of type ${task.spec.type}` };
  }
  if (agent.spec?.unschedulable === true) {
    return { reason: 'AgentUnschedulable', message: `agent ${name} is set to take no new tasks` };
  }
  if (types === undefined || !world.presence(name).online) {
    return { reason: 'AgentOffline', message: `agent ${name} is offline` };
  }
  if (agent.status?.draining === true) {
    return { reason: 'AgentDraining', message: `agent ${name} is being stopped` };
  }
  return undefined;
}

function serves(agent: Agent, namespace: string, world: World): boolean {
  if (namespace === world.homeNamespace) return true;
  return agent.spec?.namespaces?.some((served) => served === namespace || served === '*') ?? false;
}
