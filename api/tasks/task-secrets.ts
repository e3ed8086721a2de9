import type { KubeClient } from '../../kube/client.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../kube/kube-error.ts';
import { secrets } from '../../kube/resource.ts';
import type { Secret } from '../../kube/resource.ts';
import { isFinished } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { ApiError } from '../errors.ts';
import type { TaskSecret } from './credentials.ts';
import { isOwnSecret } from './masked-params.ts';
import type { TaskName } from './task-id.ts';

export const CREDENTIAL_TYPE = 'tiangong.io/credential';

/** On every Secret that the API makes: the name of its task, which alone may use it. */
export const TASK_LABEL = 'tiangong.io/task';

/** Moves at each try to create the task, so that a removal decided before the try fails on its precondition. */
const CLAIMED_AT = 'tiangong.io/claimed-at';

/** The uid of the task, once it is known: another task may have the same name later. */
const TASK_UID = 'tiangong.io/task-uid';

/** A Secret whose task was never created is removed after this long (design.md §3). */
const OWNERLESS_MS = 600_000;

/** How long an agent may come back and find out what became of a task whose outcome is unknown. */
const UNKNOWN_MS = 24 * 3600 * 1000;

/**
 * Secrets of tasks: made before the task, so that the task can name them, and given to it afterwards. Between the two a
 * crash may leave one without an owner; `settle` looks for those.
 */
export class TaskSecrets {
  readonly #client: KubeClient;
  readonly #homeNamespace: string;

  constructor(client: KubeClient, homeNamespace: string) {
    this.#client = client;
    this.#homeNamespace = homeNamespace;
  }

  async create({ namespace, name }: TaskName, made: readonly TaskSecret[]): Promise<void> {
    for (const { name: secretName, data } of made) {
      const annotations = { [CLAIMED_AT]: new Date().toISOString() };
      const encoded = Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
      );
      const metadata = { name: secretName, labels: { [TASK_LABEL]: name }, annotations };
      try {
        await this.#client.create(secrets, namespace, { metadata, type: CREDENTIAL_TYPE, data: encoded });
      } catch (err) {
        // An earlier try to create this task, with the same body, got this far.
        if (!isAlreadyExists(err)) throw err;
        const taken = { ...annotations, [TASK_UID]: null };
        await this.#client.patch(secrets, namespace, secretName, { metadata: { annotations: taken }, data: encoded });
      }
    }
  }

  /** Makes the task the owner, so that its Secrets go when it goes. */
  async adopt(task: DeployTask, names: readonly string[]): Promise<void> {
    const { namespace, name, uid } = task.metadata;
    const ownerReferences = [{ apiVersion: 'tiangong.io/v1alpha1', kind: 'DeployTask', name, uid }];
    const annotations = { [TASK_UID]: uid };
    for (const secret of names)
      await this.#client.patch(secrets, namespace, secret, { metadata: { ownerReferences, annotations } });
  }

  /**
   * What the Secrets hold that were made for the task, where `refs` of its params and of its target name such: the next
   * task needs its own. Rejects with `CredentialsGone` when one is no more. Secrets of users are left to be named.
   */
  async copyOf(
    task: DeployTask,
    [inParams, inTarget]: readonly [unknown, unknown],
  ): Promise<{ params?: Record<string, string>; target?: Record<string, string> }> {
    const { namespace = '', name } = task.metadata;
    const read = async (ref: unknown, place: string): Promise<Record<string, string> | undefined> => {
      if (typeof ref !== 'string' || namespace !== this.#homeNamespace) return undefined;
      const secret = await this.#find(namespace, ref);
      if (secret === undefined && isOwnSecret(ref, name))
        throw new ApiError('CredentialsGone', `the credentials of task ${name} are gone: give them in ${place}`);
      if (secret?.type !== CREDENTIAL_TYPE || !isMadeFor(secret, task)) return undefined;
      return Object.fromEntries(
        Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
      );
    };
    const params = await read(inParams, 'params');
    const target = await read(inTarget, 'params.target');
    return { ...(params && { params }), ...(target && { target }) };
  }

  /** Removes Secrets whose task could not be created. */
  async remove({ namespace }: TaskName, names: readonly string[]): Promise<void> {
    for (const name of names) await this.#delete(namespace, name);
  }

  /**
   * Gives ownerless Secrets to their task, and removes those that have had none for ten minutes, as well as those whose
   * task has ended and needs them no more. `find` must ask the API server; `known` may be a little behind.
   */
  async settle(
    tasks: {
      readonly find: (name: TaskName) => Promise<DeployTask | undefined>;
      readonly known: (name: TaskName) => DeployTask | undefined;
    },
    now: Date,
  ): Promise<void> {
    for await (const secret of this.#made()) {
      const { metadata } = secret;
      const { name, namespace = '', uid, resourceVersion, labels, ownerReferences = [] } = metadata;
      const taskName = { namespace, name: labels?.[TASK_LABEL] ?? '' };
      const version = { ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) };
      if (ownerReferences.length > 0) {
        const task = tasks.known(taskName);
        const isIts = ownerReferences.some((owner) => owner.uid === task?.metadata.uid);
        if (task !== undefined && isIts && needsNone(task, now)) await this.#delete(namespace, name, version);
        continue;
      }
      const task = await tasks.find(taskName);
      const since = Date.parse(metadata.annotations?.[CLAIMED_AT] ?? metadata.creationTimestamp ?? '');
      if (task !== undefined && isMadeFor(secret, task)) await this.adopt(task, [name]);
      else if (now.getTime() - since >= OWNERLESS_MS) await this.#delete(namespace, name, version);
    }
  }

  async #find(namespace: string, name: string): Promise<Secret | undefined> {
    try {
      return await this.#client.get(secrets, namespace, name);
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }

  async *#made(): AsyncGenerator<Secret> {
    let position: string | undefined;
    do {
      const page = await this.#client.list(secrets, this.#homeNamespace, {
        labelSelector: TASK_LABEL,
        limit: 500,
        ...(position && { continue: position }),
      });
      for (const secret of page.items ?? []) if (secret.type === CREDENTIAL_TYPE) yield secret;
      position = page.metadata.continue;
    } while (position);
  }

  async #delete(
    namespace: string,
    name: string,
    preconditions?: { uid?: string; resourceVersion?: string },
  ): Promise<void> {
    try {
      await this.#client.delete(secrets, namespace, name, preconditions);
    } catch (err) {
      if (!isNotFound(err) && !isConflict(err)) throw err;
    }
  }
}

/**
 * Whether the API made the Secret for just this task. Not for an earlier one of its name, whose credentials are not to be
 * had by deleting it, perhaps without what it owns, and making another.
 */
export function isMadeFor({ metadata }: Secret, task: DeployTask): boolean {
  const { labels, annotations, ownerReferences = [] } = metadata;
  const owner = annotations?.[TASK_UID];
  const uids = [...(owner === undefined ? [] : [owner]), ...ownerReferences.map(({ uid }) => uid)];
  return labels?.[TASK_LABEL] === task.metadata.name && uids.every((uid) => uid === task.metadata.uid);
}

/** Ended, and neither to be rolled back, which needs the same credentials, nor to be looked into by its agent. */
function needsNone(task: DeployTask, now: Date): boolean {
  if (!isFinished(task) || task.status?.rollback?.available === true) return false;
  if (task.status?.state !== 'Unknown') return true;
  return now.getTime() - (Date.parse(task.status.completionTime ?? '') || 0) >= UNKNOWN_MS;
}
