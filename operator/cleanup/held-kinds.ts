import type { KubeObject } from '../../kube/object.ts';
import { agentPools, deployTasks, syncPushers, syncSources, syncTasks } from '../../kube/resource.ts';
import type { Resource } from '../../kube/resource.ts';
import { POOL_FINALIZER } from '../agentpool/pool-controller.ts';
import { CLEANUP_FINALIZER } from '../deploytask/finalizer.ts';
import { DEPENDENTS_FINALIZER } from '../syncendpoint/dependents-controller.ts';

/** Objects of a kind that a finalizer of ours may hold. */
export interface HeldKind {
  readonly resource: Resource<KubeObject>;
  readonly finalizer: string;
}

/** Those of every namespace. What holds another comes first. */
export const HELD_EVERYWHERE: readonly HeldKind[] = [
  { resource: deployTasks, finalizer: CLEANUP_FINALIZER },
  { resource: syncTasks, finalizer: CLEANUP_FINALIZER },
  { resource: syncSources, finalizer: DEPENDENTS_FINALIZER },
  { resource: syncPushers, finalizer: DEPENDENTS_FINALIZER },
];

/** Those of the home namespace alone. */
export const HELD_AT_HOME: readonly HeldKind[] = [{ resource: agentPools, finalizer: POOL_FINALIZER }];
