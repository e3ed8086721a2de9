/** How an agent is, for those who ask from outside. */
export interface AgentState {
  /** Whether it is known to the operator and may be given work. */
  readonly ready: boolean;
  /** Whether it is being stopped. */
  readonly draining: boolean;
  /** How many tasks run, and how many wait for their turn. */
  readonly tasks: { readonly running: number; readonly waiting: number };
  /** How many syncs run. */
  readonly syncs: number;
}

/** Of an agent that has not begun. */
export const IDLE: AgentState = { ready: false, draining: false, tasks: { running: 0, waiting: 0 }, syncs: 0 };
