import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import { isFinished } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { KeyedLock } from '../../store/keyed-lock.ts';
import type { Store } from '../../store/store.ts';
import type { AgentDirectory } from '../agents/agent-directory.ts';
import { ApiError } from '../errors.ts';
import type { FileUses } from '../files/file-uses.ts';
import { requestSignal } from '../request-signal.ts';
import type { ApiSettings } from '../settings.ts';
import { toApiError } from '../to-api-error.ts';
import { syncTimeoutMs, toNewTask } from './new-task.ts';
import type { NewTask, NewTaskBody } from './new-task.ts';
import { streamOf } from './task-answers.ts';
import type { TaskAnswers } from './task-answers.ts';
import type { TaskCreator } from './task-creator.ts';
import { formatTaskId } from './task-id.ts';
import type { ReadTask, TaskReader } from './task-reader.ts';
import { taskNames } from './task-name.ts';
import { untilStreamComplete } from './stream-complete.ts';

export interface CreateHandlerParts {
  readonly reader: TaskReader;
  readonly creator: TaskCreator;
  readonly answers: TaskAnswers;
  readonly directory: AgentDirectory;
  readonly store: Store;
  readonly uses: FileUses;
  readonly settings: ApiSettings;
  /** Ends waiting when the server shuts down. */
  readonly stopping: AbortSignal;
}

/** Without authentication there is one caller, unless a gateway in front tells them apart by this header. */
function scopeOf(req: Request): string {
  const { authorization } = req.headers;
  return authorization === undefined ? '' : createHash('sha256').update(authorization).digest('hex');
}

/** `POST /tasks`. */
export class CreateHandler {
  readonly #parts: CreateHandlerParts;
  readonly #keys = new KeyedLock();
  readonly #newName = taskNames();

  constructor(parts: CreateHandlerParts) {
    this.#parts = parts;
  }

  async handle(req: Request, res: Response): Promise<void> {
    const deadline = performance.now() + syncTimeoutMs((req.body as NewTaskBody).timeout);
    const body = req.body as NewTaskBody;
    const newTask = toNewTask(body);
    const key = req.get('Idempotency-Key');
    const { task, replayed } =
      key === undefined
        ? { task: await this.#create(this.#newName(), newTask), replayed: false }
        : await this.#createOnce(scopeOf(req), key, body, newTask);

    const { homeNamespace } = this.#parts.settings;
    const id = formatTaskId({ namespace: task.metadata.namespace ?? '', name: task.metadata.name }, homeNamespace);
    res.setHeader('Location', `/api/v1/tasks/${id}`);
    if (replayed) res.setHeader('Idempotent-Replayed', 'true');
    const read = this.#parts.reader.adopt(task);
    if (body.sync === true) return this.#answerSync(res, read, deadline, body.timeout);
    // The manual: the answer to an asynchronous create says `running`.
    await this.#parts.answers.send(res, 201, read, replayed ? {} : { status: 'running' });
  }

  async #create(name: string, newTask: NewTask): Promise<DeployTask> {
    const { directory, creator, uses } = this.#parts;
    await directory.requireOnline(newTask.agent, newTask.type);
    const create = async (): Promise<DeployTask> => (await creator.create(name, newTask)).task;
    return newTask.fileId === '' ? create() : uses.create(newTask.fileId, create);
  }

  /** Calls with one key run one after another, so that a claim is never given up while another call relies on it. */
  #createOnce(
    scope: string,
    key: string,
    body: NewTaskBody,
    newTask: NewTask,
  ): Promise<{ task: DeployTask; replayed: boolean }> {
    const keys = this.#parts.store.idempotencyKeys;
    // How long the caller waits for the answer is not part of what is asked for.
    const { sync: _sync, timeout: _timeout, ...what } = body;
    return this.#keys.run(`${scope}/${key}`, async () => {
      const claim = await keys.claim(scope, key, keys.digest(JSON.stringify(what)), this.#newName());
      if (!claim.sameBody) throw new ApiError('IdempotencyKeyReused');
      if (!claim.first) {
        const known = await this.#parts.creator.find(claim.name);
        if (known !== undefined) return { task: known, replayed: true };
        if (claim.confirmed) throw new ApiError('IdempotencyKeyUsed');
      }
      try {
        const task = await this.#create(claim.name, newTask);
        await keys.confirm(scope, key);
        return { task, replayed: false };
      } catch (err) {
        // Refused: nothing was created, and the caller may correct the request under the same key.
        if (toApiError(err).status < 500) await keys.release(scope, key);
        throw err;
      }
    });
  }

  async #answerSync(
    res: Response,
    created: ReadTask,
    deadline: number,
    timeout: number | null | undefined,
  ): Promise<void> {
    const { reader, answers, store, stopping } = this.#parts;
    const { namespace = '', name } = created.task.metadata;
    const { signal, gone } = requestSignal(res, stopping);
    const left = (): number => Math.max(0, deadline - performance.now());

    const ended = await reader.untilEnded({ namespace, name }, left(), signal);
    if (gone()) return;
    const read = (await (ended ? reader.get({ namespace, name }) : reader.getFresh({ namespace, name }))) ?? created;
    const stream = streamOf(read.task, 'result');
    if (read.task.status?.result?.truncated === true && stream !== undefined)
      await untilStreamComplete(store.streams, stream, left(), signal);
    if (gone()) return;
    await answers.send(res, 201, read, isFinished(read.task) ? {} : { error: timeoutText(timeout, stopping.aborted) });
  }
}

function timeoutText(timeout: number | null | undefined, stopping: boolean): string {
  if (stopping) return 'the server is shutting down; the task goes on, ask for it again';
  const seconds = syncTimeoutMs(timeout) / 1000;
  return `task execution timeout after ${seconds} seconds; the task goes on, ask for it again`;
}
