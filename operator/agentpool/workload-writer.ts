import type { KubeClient } from '../../kube/client.ts';
import { isConflict, isNotFound, KubeError } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { Resource } from '../../kube/resource.ts';
import type { AgentPool } from '../../kube/types/agentpool.ts';
import { configMaps, daemonSets, deployments } from './kinds.ts';
import type { Workload } from './kinds.ts';
import { POOL_LABEL } from './pool-labels.ts';
import type { Stall } from './pool-status.ts';
import type { Rendered } from './render.ts';

/** Whose fields they are in the managed fields of the objects. */
const MANAGER = 'tiangong-operator';

export const resourceOf = ({ spec }: AgentPool): Resource<Workload> =>
  spec.workload === 'DaemonSet' ? daemonSets : deployments;

/** The pool's workload could not be made what it should be; only a person can mend that. */
export class WorkloadStalled extends Error {
  override readonly name = 'WorkloadStalled';
  readonly stall: Stall;

  constructor(stall: Stall, options?: ErrorOptions) {
    super(stall.message, options);
    this.stall = stall;
  }
}

/** Writes the workloads and ConfigMaps of pools. */
export class WorkloadWriter {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Makes the objects what they should be, and resolves to the workload. Rejects with `WorkloadStalled` when that cannot be. */
  async apply(pool: AgentPool, rendered: Rendered, signal: AbortSignal): Promise<Workload> {
    const { namespace, configMap, workload } = rendered;
    try {
      const existing = await this.#find(pool, namespace, signal);
      await this.#client.apply(configMaps, namespace, configMap, { fieldManager: MANAGER, force: true, signal });
      // An object of this name that came since the look at it is not merged with: its fields are a conflict.
      const { uid } = existing?.metadata ?? {};
      const object = uid === undefined ? workload : { ...workload, metadata: { ...workload.metadata, uid } };
      const options = { fieldManager: MANAGER, force: uid !== undefined, signal };
      return await this.#client.apply(resourceOf(pool), namespace, object, options);
    } catch (err) {
      throw stalled(err, namespace) ?? err;
    }
  }

  /** Deletes what was made of a pool. Resolves to whether it is all gone. */
  async delete(pool: AgentPool, namespace: string, signal: AbortSignal): Promise<boolean> {
    const existing = await this.#find(pool, namespace, signal).catch((err: unknown) => {
      // Never ours.
      if (err instanceof WorkloadStalled) return undefined;
      throw err;
    });
    if (existing !== undefined) {
      if (existing.metadata.deletionTimestamp === undefined)
        await this.#deleteOne(resourceOf(pool), namespace, existing);
      return false;
    }
    await this.prune(pool, namespace, undefined, signal);
    return true;
  }

  /** Deletes the ConfigMaps of the pool but for one: no pod needs the others any more. */
  async prune(pool: AgentPool, namespace: string, keep: string | undefined, signal: AbortSignal): Promise<void> {
    const labelSelector = `${POOL_LABEL}=${pool.metadata.name}`;
    const { items } = await this.#client.list(configMaps, namespace, { labelSelector, limit: 100, signal });
    for (const item of items ?? [])
      if (item.metadata.name !== keep && isOurs(item, pool)) await this.#deleteOne(configMaps, namespace, item);
  }

  async #deleteOne(resource: Resource<KubeObject>, namespace: string, { metadata }: KubeObject): Promise<void> {
    const { name, uid } = metadata;
    try {
      await this.#client.delete(resource, namespace, name, uid === undefined ? {} : { uid });
    } catch (err) {
      // Gone, or another one of its name.
      if (!isNotFound(err) && !isConflict(err)) throw err;
    }
  }

  /** The workload as it is, if it is the pool's. */
  async #find(pool: AgentPool, namespace: string, signal: AbortSignal): Promise<Workload | undefined> {
    const resource = resourceOf(pool);
    const { name } = pool.metadata;
    try {
      const found = await this.#client.get(resource, namespace, name, signal);
      if (isOurs(found, pool)) return found;
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
    const message = `there is a ${resource.kind} ${name} in namespace ${namespace} that is not of this pool; delete it, or make the pool under another name`;
    throw new WorkloadStalled({ reason: 'NameConflict', message });
  }
}

const isOurs = ({ metadata }: KubeObject, pool: AgentPool): boolean =>
  metadata.labels?.[POOL_LABEL] === pool.metadata.name &&
  metadata.labels['app.kubernetes.io/managed-by'] === 'tiangong-operator';

/** A field that there is none of, or a value of another type, comes as a 500 of server-side apply. */
const MALFORMED = /^failed to (create typed patch object|convert new object)/;

/** What a refusal of the server means, when trying again at once cannot help. */
function stalled(err: unknown, namespace: string): WorkloadStalled | undefined {
  if (!(err instanceof KubeError)) return undefined;
  const said = (err.status.message ?? err.message).slice(0, 1000);
  if (err.code === 404) {
    const message = `the namespace ${namespace} is not there: ${said}`;
    return new WorkloadStalled({ reason: 'NamespaceNotFound', message }, { cause: err });
  }
  if (err.code === 403) return new WorkloadStalled({ reason: 'Forbidden', message: said }, { cause: err });
  if (err.code !== 400 && err.code !== 422 && !MALFORMED.test(said)) return undefined;
  return new WorkloadStalled({ reason: 'Invalid', message: `Kubernetes refuses the pool: ${said}` }, { cause: err });
}
