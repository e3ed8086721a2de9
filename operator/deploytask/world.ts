import type { Agent } from '../../kube/types/agent.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';

/** What the operator knows of an agent's process from the Lease it renews. */
export interface Presence {
  /** Whether it may be given work: its Lease is being renewed. */
  readonly online: boolean;
  /** The id of the process that holds the Lease; empty when none does. */
  readonly instance: string;
  /** The process ended in good order and gave its Lease back. */
  readonly released: boolean;
  /** The Lease has been silent for its whole duration, seen without a gap: the process is taken for dead. */
  readonly lost: boolean;
}

/** What a decision about a task may look at beside the task itself. Never changed by a decision. */
export interface World {
  /** The time, in milliseconds since 1970. */
  readonly now: number;
  /** The namespace that agents live in. */
  readonly homeNamespace: string;
  agent(name: string): Agent | undefined;
  agents(): Iterable<Agent>;
  presence(name: string): Presence;
  /** How many tasks the agent has that have not ended, those assigned a moment ago included. */
  load(agent: string): number;
  /** Since when the task has been Running, in milliseconds since 1970 by the operator's own clock. */
  runningSince(task: DeployTask): number;
}
