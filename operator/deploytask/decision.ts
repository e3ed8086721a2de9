import type { DeployTask, DeployTaskStatus } from '../../kube/types/deploytask.ts';
import type { World } from './world.ts';

/** What people should be told of, by a Kubernetes Event of type Warning. */
export interface Notice {
  /** The same word as in the task's conditions. */
  readonly reason: string;
  readonly message: string;
}

/** What is to be done about a task now: at most one write. */
export type Decision =
  /** Nothing. `forMs`: look again after that time, if nothing changes before. */
  | { readonly do: 'wait'; readonly forMs?: number }
  /** Merge this into the status, if the task has not changed since. */
  | { readonly do: 'status'; readonly status: DeployTaskStatus; readonly notice?: Notice }
  /** Replace the finalizers by these, if the task has not changed since. */
  | { readonly do: 'finalizers'; readonly finalizers: readonly string[] }
  /** Delete the task, if it has not changed since. */
  | { readonly do: 'delete' };

/** Looks at one side of a task. Undefined: it has no say. A wait lets the steps after it speak, too. */
export type Step = (task: DeployTask, world: World) => Decision | undefined;

/** The wait until a moment, in milliseconds since 1970. */
export function waitUntil(moment: number, world: World): Decision {
  return { do: 'wait', forMs: Math.max(1, moment - world.now) };
}
