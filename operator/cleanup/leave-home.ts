import type { Logger } from 'pino';
import type { KubeClient, MergePatch } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/object.ts';
import { deployTasks } from '../../kube/resource.ts';
import type { Resource } from '../../kube/resource.ts';
import { isFinished } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { endHostPools } from './end-host-pools.ts';
import { HELD_AT_HOME, HELD_EVERYWHERE } from './held-kinds.ts';
import { explainFailure, releaseHeld } from './release-held.ts';

export const namespaces: Resource<KubeObject> = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };

/** Less than a pod's grace period of 30 s, with time for the operator's own end. */
const DEADLINE_MS = 20_000;

/**
 * What the operator does last when it is told to end. A namespace that is being deleted loses its pods first (Kubernetes 1.33
 * and later), so nobody would be left to take our finalizers off, and the namespace would stay for ever: if it is the home
 * namespace that goes, they are taken off there. Tasks that run there are canceled: their agents are ending too, and would let
 * them go on for as long as they may. Never rejects.
 */
export async function leaveHome(
  client: KubeClient,
  { home, hostNamespace }: { readonly home: string; readonly hostNamespace: string | undefined },
  logger: Logger,
): Promise<void> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  try {
    const { metadata } = await client.get(namespaces, undefined, home, signal);
    if (metadata.deletionTimestamp === undefined) return;
  } catch (err) {
    logger.warn({ err }, `whether namespace ${home} is being deleted is not known: finalizers stay`);
    return;
  }
  logger.info({ namespace: home }, 'the home namespace is being deleted: taking finalizers off');
  if (hostNamespace !== undefined) await endHostPools(client, home, hostNamespace, logger, signal);
  for (const kind of [...HELD_AT_HOME, ...HELD_EVERYWHERE]) {
    const report = await releaseHeld(
      client,
      kind,
      home,
      signal,
      kind.resource === deployTasks ? { alongside: cancel } : {},
    );
    if (report.failure !== undefined) logger.error({ err: report.failure }, explainFailure(report));
  }
}

function cancel(object: KubeObject): MergePatch | undefined {
  const task = object as DeployTask;
  return isFinished(task) || task.spec.cancel === true ? undefined : { spec: { cancel: true } };
}
