import type { Agent } from '../../kube/types/agent.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import type { SyncWorld } from './world.ts';

export type UnplacedReason =
  | 'AgentDraining'
  | 'AgentNotFound'
  | 'AgentOffline'
  | 'AgentUnschedulable'
  | 'NamespaceNotServed'
  | 'NoAgentAvailable'
  | 'SyncsNotSupported';

export type SyncPlacement =
  | { readonly agent: string; readonly instance: string }
  /** The message must stay the same for as long as the reason does: each change of it is a write. */
  | { readonly agent?: never; readonly reason: UnplacedReason; readonly message: string };

interface Obstacle {
  readonly reason: UnplacedReason;
  readonly message: string;
}

/** What agents say that they can run when they have the drivers of syncs. */
const SYNC_TYPE = 'sync-action';

/** Finds the agent for a SyncTask: the one that it names, or the one with the fewest of those that can take it. */
export function placeSync(sync: SyncTask, world: SyncWorld): SyncPlacement {
  const { agent: name } = sync.spec;
  const { namespace = '' } = sync.metadata;
  if (name !== undefined) {
    const agent = world.agent(name);
    if (agent === undefined) return { reason: 'AgentNotFound', message: `there is no agent ${name}` };
    return obstacleOf(agent, namespace, world) ?? { agent: name, instance: world.presence(name).instance };
  }
  let best: { readonly name: string; readonly load: number } | undefined;
  for (const agent of world.agents()) {
    if (obstacleOf(agent, namespace, world) !== undefined) continue;
    const candidate = { name: agent.metadata.name, load: world.load(agent.metadata.name) };
    if (best === undefined || isBetter(candidate, best)) best = candidate;
  }
  if (best !== undefined) return { agent: best.name, instance: world.presence(best.name).instance };
  const message = `no agent is online that runs syncs of namespace ${namespace}`;
  return { reason: 'NoAgentAvailable', message };
}

const isBetter = (one: { name: string; load: number }, other: { name: string; load: number }): boolean =>
  one.load < other.load || (one.load === other.load && one.name < other.name);

/** Permanent obstacles come first: they are what a person has to mend. */
function obstacleOf(agent: Agent, namespace: string, world: SyncWorld): Obstacle | undefined {
  const { name } = agent.metadata;
  if (!serves(agent, namespace, world))
    return { reason: 'NamespaceNotServed', message: `agent ${name} takes no tasks of namespace ${namespace}` };
  const types = agent.status?.taskTypes;
  if (types !== undefined && !types.includes(SYNC_TYPE))
    return { reason: 'SyncsNotSupported', message: `agent ${name} cannot run syncs` };
  if (agent.spec?.unschedulable === true)
    return { reason: 'AgentUnschedulable', message: `agent ${name} is set to take no new tasks` };
  // One that never reported is not there, whatever its Lease says.
  if (types === undefined || !world.presence(name).online)
    return { reason: 'AgentOffline', message: `agent ${name} is offline` };
  if (agent.status?.draining === true) return { reason: 'AgentDraining', message: `agent ${name} is being stopped` };
  return undefined;
}

function serves(agent: Agent, namespace: string, world: SyncWorld): boolean {
  if (namespace === world.homeNamespace) return true;
  return agent.spec?.namespaces?.some((served) => served === namespace || served === '*') ?? false;
}
