import type { KubeObject } from './object.ts';
import type { Agent } from './types/agent.ts';
import type { AgentPool } from './types/agentpool.ts';
import type { DeployTask } from './types/deploytask.ts';
import type { SyncPusher } from './types/syncpusher.ts';
import type { SyncSource } from './types/syncsource.ts';
import type { SyncTask } from './types/synctask.ts';

/** Names one resource of a Kubernetes API. `T` is the type of its objects. */
export interface Resource<T extends KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  /** Never set: it only ties the resource to the type of its objects. */
  readonly object?: T;
}

export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface Secret extends KubeObject {
  type?: string;
  /** Values in base64. */
  data?: Record<string, string>;
  stringData?: Record<string, string>;
  immutable?: boolean;
}

export const deployTasks: Resource<DeployTask> = {
  group: 'tiangong.io',
  version: 'v1alpha1',
  plural: 'deploytasks',
  kind: 'DeployTask',
};
export const agents: Resource<Agent> = { group: 'tiangong.io', version: 'v1alpha1', plural: 'agents', kind: 'Agent' };
export const agentPools: Resource<AgentPool> = {
  group: 'tiangong.io',
  version: 'v1alpha1',
  plural: 'agentpools',
  kind: 'AgentPool',
};
export const syncSources: Resource<SyncSource> = {
  group: 'tiangong.io',
  version: 'v1alpha1',
  plural: 'syncsources',
  kind: 'SyncSource',
};
export const syncPushers: Resource<SyncPusher> = {
  group: 'tiangong.io',
  version: 'v1alpha1',
  plural: 'syncpushers',
  kind: 'SyncPusher',
};
export const syncTasks: Resource<SyncTask> = {
  group: 'tiangong.io',
  version: 'v1alpha1',
  plural: 'synctasks',
  kind: 'SyncTask',
};
export const leases: Resource<Lease> = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease' };
export const secrets: Resource<Secret> = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };

/**
 * The path of a resource's collection or of one object of it. `namespace` undefined: all namespaces. Throws on names that
 * would make it the path of something else: a DELETE of the object with the empty name deletes them all.
 */
export function resourcePath(
  resource: Resource<KubeObject>,
  namespace: string | undefined,
  name?: string,
  subresource?: string,
): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = namespace === undefined ? '' : `/namespaces/${segment(namespace)}`;
  const object = name === undefined ? '' : `/${segment(name)}`;
  return `${root}${scope}/${resource.plural}${object}${subresource === undefined ? '' : `/${subresource}`}`;
}

/** Kubernetes' own rule for names in paths: servers read `%2F` as a slash, so that `a/b` would be another resource. */
function segment(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/%]/.test(name))
    throw new RangeError(`"${name}" is no name of a Kubernetes object`);
  return encodeURIComponent(name);
}
