import type { Agent } from '../../kube/types/agent.ts';
import type { SyncPusher } from '../../kube/types/syncpusher.ts';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import type { Presence } from '../deploytask/world.ts';

/** What a decision about a SyncTask may look at beside the task itself. Never changed by a decision. */
export interface SyncWorld {
  /** The time, in milliseconds since 1970. */
  readonly now: number;
  /** The namespace that agents live in. */
  readonly homeNamespace: string;
  agent(name: string): Agent | undefined;
  agents(): Iterable<Agent>;
  presence(agent: string): Presence;
  /** How long after the loss of an agent its SyncTasks are begun elsewhere, in milliseconds. */
  readonly moveDelayMs: number;
  /** For how long the agent has been known to be lost, in milliseconds; 0 while it is not. */
  lostForMs(agent: string): number;
  /** How many SyncTasks the agent has, those assigned a moment ago included. */
  load(agent: string): number;
  source(namespace: string, name: string): SyncSource | undefined;
  pusher(namespace: string, name: string): SyncPusher | undefined;
}
