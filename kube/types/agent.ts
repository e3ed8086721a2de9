// Generated from crds/agents.yaml by `make generate`. Do not edit.
import type { KubeObject } from '../object.ts';

/**
 * Agent is one place where tasks run. The agent registers itself and reports what it is in status; people set spec. It is online while it renews the Lease of the same name.
 */
export interface AgentBody {
  spec?: AgentSpec;
  status?: AgentStatus;
}
/**
 * How the agent is used. Set by people, never by the agent.
 */
export interface AgentSpec {
  /**
   * Free words for people and programs to find the agent by.
   */
  tags?: string[];
  /**
   * How many tasks the agent runs at once; the others wait on it, by priority and age.
   */
  maxConcurrent?: number;
  /**
   * Whether the agent gets no new tasks; those that it has go on.
   */
  unschedulable?: boolean;
  /**
   * Whose tasks the agent takes, beside those of its own namespace. An asterisk stands for all.
   */
  namespaces?: string[];
}
/**
 * What the agent is. Written by the agent, but for the condition Online, which is the operator's.
 */
export interface AgentStatus {
  /**
   * The random id of the agent's process; its Lease's holder while it is online.
   */
  instance?: string;
  /**
   * The host that the agent runs on.
   */
  hostname?: string;
  /**
   * The host's first address that is not loopback.
   */
  ip?: string;
  /**
   * The agent's version.
   */
  version?: string;
  /**
   * The environment that the agent's configuration names, such as prod.
   */
  env?: string;
  /**
   * The operating system and the processor, such as linux/x64.
   */
  os?: string;
  /**
   * The task types that the agent can run.
   */
  taskTypes?: string[];
  /**
   * Whether the agent is being stopped; it gets no new tasks, and finishes those that it has begun.
   */
  draining?: boolean;
  /**
   * When the agent's process started.
   */
  startTime?: string;
  /**
   * Online: whether the Lease is being renewed.
   */
  conditions?: {
    /**
     * What the condition is about, in CamelCase.
     */
    type: string;
    /**
     * Whether it holds.
     */
    status: 'True' | 'False' | 'Unknown';
    /**
     * Why, as one CamelCase word that programs may rely on.
     */
    reason: string;
    /**
     * Why, for a person to read.
     */
    message: string;
    /**
     * The generation that the condition was set for.
     */
    observedGeneration?: number;
    /**
     * When status last changed.
     */
    lastTransitionTime: string;
  }[];
}

/** A Agent as the API server returns it. */
export type Agent = KubeObject & AgentBody;
