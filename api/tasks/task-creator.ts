import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient, NewObject } from '../../kube/client.ts';
import { isAlreadyExists, isNotFound, KubeError } from '../../kube/kube-error.ts';
import { deployTasks } from '../../kube/resource.ts';
import { CREATED_BY } from '../../kube/task-digest.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { Blobs } from '../../store/blobs.ts';
import { ApiError } from '../errors.ts';
import type { ApiSettings } from '../settings.ts';
import { isConnectionError } from '../to-api-error.ts';
import { commandBlobId, blobOwner } from './command-blob.ts';
import { splitCredentials } from './credentials.ts';
import type { NewTask } from './new-task.ts';
import { MASKED_PARAMS } from './task-body.ts';
import type { TaskName } from './task-id.ts';
import { metadataLabels } from './task-metadata.ts';
import type { TaskSecrets } from './task-secrets.ts';

/** A command with more bytes goes to the store: objects must stay small (design.md §3). */
const MAX_INLINE_COMMAND_BYTES = 64 * 1024;

/** A create whose outcome is not known is repeated: its name makes that safe. */
const TRIES = 3;

/** Keeps the object until its agent has reported, when it is deleted while it runs. The operator takes it off. */
const CLEANUP_FINALIZER = 'tiangong.io/cleanup';

/** A label: the uid of the task that this one rolls back. */
export const ROLLBACK_OF = 'tiangong.io/rollback-of';

/** Is told which task is about to be made, and again with its uid. */
export type TaskNote = (task: TaskName, uid?: string) => void;

/** Turns what REST was asked for into objects of the Kubernetes API: Secrets, then the task. */
export class TaskCreator {
  readonly #client: KubeClient;
  readonly #blobs: Blobs;
  readonly #secrets: TaskSecrets;
  readonly #settings: ApiSettings;
  readonly #note: TaskNote;

  constructor(
    client: KubeClient,
    blobs: Blobs,
    secrets: TaskSecrets,
    settings: ApiSettings,
    note: TaskNote = () => undefined,
  ) {
    this.#client = client;
    this.#blobs = blobs;
    this.#secrets = secrets;
    this.#settings = settings;
    this.#note = note;
  }

  /**
   * Creates the task `name`; safe to repeat after a crash at any point. `existed`: another call had created it.
   * When it rejects because the API server refused the task, nothing is left of it.
   */
  async create(name: string, task: NewTask): Promise<{ task: DeployTask; existed: boolean }> {
    const { namespace = this.#settings.homeNamespace, fileSha256, createdBy, rollbackOf } = task;
    const { params, secrets, masked } = splitCredentials(name, task.params);
    if (secrets.length > 0 && namespace !== this.#settings.homeNamespace)
      throw new ApiError(
        'InvalidRequest',
        `name a Secret of namespace ${namespace} in secret_ref instead of credentials`,
      );
    const secretNames = secrets.map((secret) => secret.name);
    const labels = { ...metadataLabels(params), ...(rollbackOf !== undefined && { [ROLLBACK_OF]: rollbackOf }) };
    const annotations = {
      ...(masked.length > 0 && { [MASKED_PARAMS]: JSON.stringify(masked) }),
      ...(createdBy !== undefined && { [CREATED_BY]: createdBy }),
    };
    const command = await this.#command({ namespace, name }, task.command);
    const object: NewObject<DeployTask> = {
      metadata: {
        name,
        finalizers: [CLEANUP_FINALIZER],
        ...(Object.keys(labels).length > 0 && { labels }),
        ...(Object.keys(annotations).length > 0 && { annotations }),
      },
      spec: {
        agent: task.agent,
        type: task.type,
        ...command,
        ...(Object.keys(params).length > 0 && { params }),
        ...(task.fileId !== '' && { fileId: task.fileId }),
        ...(fileSha256 !== undefined && { fileSha256 }),
        startDeadlineSeconds: this.#settings.startDeadlineSeconds,
        ttlSecondsAfterFinished: this.#settings.taskTtlSeconds,
      },
    };
    this.#note({ namespace, name });
    await this.#secrets.create({ namespace, name }, secrets);
    const created = await this.#createObject(namespace, object).catch(async (err: unknown) => {
      if (err instanceof KubeError && err.code < 500) await this.#undo({ namespace, name }, secretNames);
      throw err;
    });
    this.#note({ namespace, name }, created.task.metadata.uid);
    if (secretNames.length > 0) await this.#secrets.adopt(created.task, secretNames);
    return created;
  }

  /** The task `name` as the API server has it; in the home namespace unless another is given. */
  async find(name: string, namespace = this.#settings.homeNamespace): Promise<DeployTask | undefined> {
    try {
      return await this.#client.get(deployTasks, namespace, name);
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }

  async #command(task: TaskName, command: string): Promise<Partial<DeployTask['spec']>> {
    if (command === '') return {};
    if (command.length * 3 <= MAX_INLINE_COMMAND_BYTES || Buffer.byteLength(command) <= MAX_INLINE_COMMAND_BYTES)
      return { command };
    const { id, sha256, bytes } = await this.#blobs.put(commandBlobId(task), blobOwner(task), Buffer.from(command));
    return { commandFrom: { blob: { id, sha256, bytes } } };
  }

  async #createObject(
    namespace: string,
    object: NewObject<DeployTask>,
  ): Promise<{ task: DeployTask; existed: boolean }> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return { task: await this.#client.create(deployTasks, namespace, object), existed: attempt > 1 };
      } catch (err) {
        if (isAlreadyExists(err)) {
          const task = await this.#client.get(deployTasks, namespace, object.metadata.name ?? '');
          return { task, existed: true };
        }
        if (attempt === TRIES || !mayBeRepeated(err)) throw err;
        const asked = err instanceof KubeError ? (err.retryAfterMs ?? 0) : 0;
        await sleep(Math.min(Math.max(asked, 100 * attempt), 2000));
      }
    }
  }

  async #undo(task: TaskName, secretNames: readonly string[]): Promise<void> {
    await this.#secrets.remove(task, secretNames);
    await this.#blobs.delete(commandBlobId(task));
  }
}

function mayBeRepeated(err: unknown): boolean {
  if (err instanceof KubeError) return err.code === 429 || err.code >= 502;
  return isConnectionError(err);
}
