import type { KubeClient } from '../../kube/client.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import { deployTasks } from '../../kube/resource.ts';
import { END_STATES } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { ApiError } from '../errors.ts';
import { ROLLBACK_OF } from './task-creator.ts';

/** On a task that is rolled back: the name of the newest task that does it, and when it was to be created. */
const CLAIM = 'tiangong.io/rolled-back-by';

/** A task that was to be created and is not there after this long never will be: its creator died. */
const CREATING_MS = 120_000;

/** A conflict means that somebody else wants the same, or that the operator or a person has changed the task. */
const TRIES = 8;

/**
 * Sees that a task is rolled back once. The right to create the task that does it is written on the task itself, on the
 * version that was looked at, so that of two requests at once, whichever process has them, one gets it.
 */
export class RollbackClaim {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Rejects with `RollbackExists` when another task than `newName` rolls this one back, or did and `force` is not set. */
  async check(task: DeployTask, newName: string, force: boolean): Promise<void> {
    const others = await this.#listed(task, newName);
    const claim = parseClaim(task);
    if (claim !== undefined && claim.name !== newName && !others.some(({ metadata }) => metadata.name === claim.name)) {
      // Perhaps created since they were listed.
      const claimed = await this.#find(task, claim.name);
      if (claimed !== undefined) others.push(claimed);
      // Of clocks that differ, too: a claim of tomorrow is none.
      else if (Math.abs(Date.now() - claim.at) < CREATING_MS)
        throw exists(`task ${claim.name}, which rolls it back, is being created`);
    }
    for (const { metadata, status } of others) {
      if (status?.state === undefined || !END_STATES.includes(status.state))
        throw exists(`task ${metadata.name}, which rolls it back, has not ended`);
      if (status.state === 'Succeeded' && !force)
        throw exists(`task ${metadata.name} has rolled it back; force does it once more`);
      if (status.state === 'Unknown' && !force)
        throw exists(`nobody knows whether task ${metadata.name} has rolled it back; force does it once more`);
    }
  }

  /** Checks and takes the right. `again`: reads the task anew. Resolves with what gives it back. */
  async take(
    task: DeployTask,
    newName: string,
    force: boolean,
    again: () => Promise<DeployTask>,
  ): Promise<() => Promise<void>> {
    for (let attempt = 1, current = task; ; attempt += 1, current = await again()) {
      await this.check(current, newName, force);
      const { namespace = '', name, resourceVersion } = current.metadata;
      const annotations = { [CLAIM]: JSON.stringify({ name: newName, at: Date.now() }) };
      try {
        const claimed = await this.#client.patch(deployTasks, namespace, name, {
          metadata: { resourceVersion, annotations },
        });
        return () => this.#release(claimed);
      } catch (err) {
        if (isNotFound(err)) throw new ApiError('TaskNotFound');
        if (!isConflict(err) || attempt === TRIES) throw err;
      }
    }
  }

  /** What cannot be given back now runs out by itself. */
  async #release({ metadata: { namespace = '', name, resourceVersion } }: DeployTask): Promise<void> {
    await this.#client
      .patch(deployTasks, namespace, name, { metadata: { resourceVersion, annotations: { [CLAIM]: null } } })
      .catch(() => undefined);
  }

  async #listed({ metadata }: DeployTask, newName: string): Promise<DeployTask[]> {
    const { namespace = '', uid = '' } = metadata;
    const found: DeployTask[] = [];
    let position: string | undefined;
    do {
      const page = await this.#client.list(deployTasks, namespace, {
        labelSelector: `${ROLLBACK_OF}=${uid}`,
        limit: 100,
        ...(position && { continue: position }),
      });
      found.push(...(page.items ?? []));
      position = page.metadata.continue;
    } while (position);
    return found.filter(({ metadata: { name } }) => name !== newName);
  }

  async #find({ metadata: { namespace = '' } }: DeployTask, name: string): Promise<DeployTask | undefined> {
    try {
      return await this.#client.get(deployTasks, namespace, name);
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }
}

/** The annotation may have been edited by hand: what is no claim is none. */
function parseClaim({ metadata }: DeployTask): { name: string; at: number } | undefined {
  try {
    const { name, at } = JSON.parse(metadata.annotations?.[CLAIM] ?? 'null') as { name?: unknown; at?: unknown };
    return typeof name === 'string' && typeof at === 'number' ? { name, at } : undefined;
  } catch {
    return undefined;
  }
}

const exists = (why: string): ApiError => new ApiError('RollbackExists', `the task is rolled back already: ${why}`);
