import type { ExecutionContext } from '../../executor.ts';
import type { Discovery } from '../discovery.ts';
import type { K8sParams } from '../k8s-params.ts';
import { K8sFailure } from '../k8s-failure.ts';
import type { Manifest } from '../manifest/read-manifests.ts';
import type { ObjectCalls } from '../object-calls.ts';
import type { ResourceKind, Target } from '../target.ts';
import type { KubeClient } from '../../../../kube/client.ts';

/** What an operation of one task works with. */
export interface Session {
  readonly context: ExecutionContext;
  readonly params: K8sParams;
  readonly calls: ObjectCalls;
  readonly client: KubeClient;
  readonly discovery: Discovery;
  /** Of the agent's configuration, else `default`. */
  readonly defaultNamespace: string;
}

/** Where an object of the kind is: params > manifest > the agent's configuration > `default`. */
function namespaceFor(
  { params, defaultNamespace }: Session,
  kind: ResourceKind,
  manifest?: string,
): string | undefined {
  return kind.namespaced ? (params.namespace ?? manifest ?? defaultNamespace) : undefined;
}

export function targetOf(session: Session, kind: ResourceKind, manifest: Pick<Manifest, 'name' | 'namespace'>): Target {
  const { name } = manifest;
  const namespace = namespaceFor(session, kind, manifest.namespace);
  // In a path it would be that of something else, `default/secrets` of a Namespace being all Secrets there.
  for (const part of [name, namespace])
    if (part !== undefined && (part === '.' || part === '..' || /[/%]/.test(part)))
      throw new K8sFailure('InvalidManifest', `"${part}" is no name of a Kubernetes object`);
  return { kind, namespace, name };
}

/** Objects that exist have a name. */
export function named(target: Target): Target {
  if (target.name === '') throw new K8sFailure('InvalidManifest', 'resource name is required');
  return target;
}
