import type { DeployTask } from '../../kube/types/deploytask.ts';
import { agentOf } from './agent-load.ts';

/** The value under which tasks stand that a selector finds an agent for. No agent can have this name. */
export const ANY_AGENT = '*';

/** How the tasks are found that a change of an agent concerns. */
export const taskIndexes = {
  /** Tasks that have not been assigned, by the agent they wait for. */
  waiting: (task: DeployTask): readonly string[] => {
    const state = task.status?.state;
    return state === undefined || state === 'Pending' ? [task.spec.agent ?? ANY_AGENT] : [];
  },
  /** Tasks that have not ended, by the agent that has them. */
  assigned: (task: DeployTask): readonly string[] => {
    const agent = agentOf(task);
    return agent === undefined ? [] : [agent];
  },
};
