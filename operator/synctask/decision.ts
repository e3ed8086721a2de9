import type { MergePatch } from '../../kube/client.ts';
import type { SyncTask, SyncTaskStatus } from '../../kube/types/synctask.ts';
import type { Notice } from '../deploytask/decision.ts';
import type { SyncWorld } from './world.ts';

/** A status to merge: null takes a field away. */
export type StatusPatch = { readonly [K in keyof SyncTaskStatus]: SyncTaskStatus[K] | null } & MergePatch;

/** What is to be done about a SyncTask now: at most one write, on the condition that the task has not changed since. */
export type SyncDecision =
  /** Nothing. `forMs`: look again after that time, if nothing changes before. */
  | { readonly do: 'wait'; readonly forMs?: number }
  | { readonly do: 'status'; readonly status: StatusPatch; readonly notice?: Notice }
  /** Replace the finalizers by these. */
  | { readonly do: 'finalizers'; readonly finalizers: readonly string[]; readonly notice?: Notice };

/** Looks at one side of a SyncTask. Undefined: it has no say. A wait lets the steps after it speak, too. */
export type SyncStep = (sync: SyncTask, world: SyncWorld) => SyncDecision | undefined;
