import type { Request } from 'express';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { IdempotencyKeys } from '../../store/idempotency-keys.ts';
import { KeyedLock } from '../../store/keyed-lock.ts';
import { scopeOf } from '../caller.ts';
import { ApiError } from '../errors.ts';
import { toApiError } from '../to-api-error.ts';
import type { TaskCreator } from './task-creator.ts';
import { taskNames } from './task-name.ts';

export interface CreatedTask {
  readonly task: DeployTask;
  /** The Idempotency-Key was known, and this is the task that it stands for. */
  readonly replayed: boolean;
}

/** Creates tasks under new names; requests with the same Idempotency-Key name the same task, which is created once. */
export class CreateOnce {
  readonly #keys: IdempotencyKeys;
  readonly #creator: TaskCreator;
  readonly #locks = new KeyedLock();
  readonly #newName = taskNames();

  constructor(keys: IdempotencyKeys, creator: TaskCreator) {
    this.#keys = keys;
    this.#creator = creator;
  }

  /**
   * `what` is asked for: the same key with anything else is refused. `create` may be called again with the same name
   * after a crash. `namespace`: where it creates; the home namespace unless given.
   */
  async run(
    req: Request,
    what: unknown,
    create: (name: string) => Promise<DeployTask>,
    namespace?: string,
  ): Promise<CreatedTask> {
    const key = req.get('Idempotency-Key');
    if (key === undefined) return { task: await create(this.#newName()), replayed: false };
    const keys = this.#keys;
    const scope = scopeOf(req);
    // One after another, so that a claim is never given up while another call relies on it.
    return this.#locks.run(`${scope}/${key}`, async () => {
      const claim = await keys.claim(scope, key, keys.digest(JSON.stringify(what)), this.#newName());
      if (!claim.sameBody) throw new ApiError('IdempotencyKeyReused');
      if (!claim.first) {
        const known = await this.#creator.find(claim.name, namespace);
        if (known !== undefined) return { task: known, replayed: true };
        if (claim.confirmed) throw new ApiError('IdempotencyKeyUsed');
      }
      try {
        const task = await create(claim.name);
        await keys.confirm(scope, key);
        return { task, replayed: false };
      } catch (err) {
        // Refused: nothing was created, and the caller may correct the request under the same key.
        if (toApiError(err).status < 500) await keys.release(scope, key);
        throw err;
      }
    });
  }
}
