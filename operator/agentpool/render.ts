import { createHash } from 'node:crypto';
import type { NewObject } from '../../kube/client.ts';
import type { OwnerReference } from '../../kube/object.ts';
import { agentPools } from '../../kube/resource.ts';
import type { AgentPool } from '../../kube/types/agentpool.ts';
import { agentConfig } from './agent-config.ts';
import type { ConfigMap, DaemonSet, Deployment } from './kinds.ts';
import { podTemplate } from './pod-template.ts';
import { poolLabels, selectorLabels } from './pool-labels.ts';
import type { PoolSettings } from './pool-settings.ts';

/** What the operator makes of a pool. */
export interface Rendered {
  readonly namespace: string;
  readonly configMap: NewObject<ConfigMap> & { readonly metadata: { readonly name: string } };
  readonly workload: NewObject<Deployment | DaemonSet> & { readonly metadata: { readonly name: string } };
  /** Changes with anything in the above. */
  readonly digest: string;
}

/** How long a pod of a Deployment may take to become ready before the pool says that it does not get on. */
const PROGRESS_DEADLINE_SECONDS = 600;

/** The replaced versions of a workload that are kept: people do not roll back what the operator sets. */
const HISTORY = 2;

/** The objects of a pool, complete: what they no longer name is taken away from those that are there. */
export function render(pool: AgentPool, namespace: string, homeNamespace: string, settings: PoolSettings): Rendered {
  const { name } = pool.metadata;
  const { hostAccess = false } = pool.spec;
  const config = agentConfig(pool, { homeNamespace, namespace }, settings);
  const metadata = {
    namespace,
    labels: poolLabels(name, hostAccess, settings.instance),
    // An owner in another namespace would count as gone: there a finalizer takes its place.
    ...(namespace === pool.metadata.namespace && { ownerReferences: [ownerReference(pool)] }),
  };
  // A new name for new contents: pods that are not replaced yet keep theirs.
  const configMap = {
    metadata: { ...metadata, name: `${name}-agent-${config.digest}` },
    data: { ...config.files },
    immutable: true,
  };
  const workload = {
    metadata: { ...metadata, name },
    spec: workloadSpec(pool, configMap.metadata.name, settings),
  };
  const digest = createHash('sha256')
    .update(JSON.stringify([configMap, workload]))
    .digest('hex');
  return { namespace, configMap, workload, digest };
}

function workloadSpec(
  pool: AgentPool,
  configMap: string,
  settings: PoolSettings,
): NonNullable<(Deployment | DaemonSet)['spec']> {
  const { workload, replicas = 1, maxUnavailable: atOnce = '1' } = pool.spec;
  const common = {
    selector: { matchLabels: selectorLabels(pool.metadata.name) },
    revisionHistoryLimit: HISTORY,
    template: podTemplate(pool, configMap, settings),
  };
  const number = atOnce.endsWith('%') ? atOnce : Number(atOnce);
  // On a node a successor waits until the one before it has ended: it would never be ready beside it.
  if (workload === 'DaemonSet')
    return { ...common, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: number } } };
  return {
    ...common,
    replicas,
    progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
    // First the successor, then the end of the one before it: there is always somebody to take new tasks.
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: number, maxUnavailable: 0 } },
  };
}

function ownerReference({ metadata }: AgentPool): OwnerReference {
  const { group, version, kind } = agentPools;
  return {
    apiVersion: `${group}/${version}`,
    kind,
    name: metadata.name,
    uid: metadata.uid ?? '',
    // Without blockOwnerDeletion, which some clusters allow only to those who may finalize the owner.
    controller: true,
  };
}
