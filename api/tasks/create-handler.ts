import type { Request, Response } from 'express';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { IdempotencyKeys } from '../../store/idempotency-keys.ts';
import type { AgentDirectory } from '../agents/agent-directory.ts';
import { accessOf } from '../auth/access.ts';
import { identityOf } from '../caller.ts';
import type { FileUses } from '../files/file-uses.ts';
import type { CreateOnce } from './create-once.ts';
import type { CreatedAnswer } from './created-answer.ts';
import { syncTimeoutMs, toNewTask } from './new-task.ts';
import type { NewTask, NewTaskBody } from './new-task.ts';
import type { TaskCreator } from './task-creator.ts';

export interface CreateHandlerParts {
  readonly once: CreateOnce;
  readonly creator: TaskCreator;
  readonly created: CreatedAnswer;
  readonly directory: AgentDirectory;
  readonly keys: IdempotencyKeys;
  readonly uses: FileUses;
  readonly homeNamespace: string;
}

/** `POST /tasks`. */
export class CreateHandler {
  readonly #parts: CreateHandlerParts;

  constructor(parts: CreateHandlerParts) {
    this.#parts = parts;
  }

  async handle(req: Request, res: Response): Promise<void> {
    const { once, created, keys } = this.#parts;
    const deadline = performance.now() + syncTimeoutMs((req.body as NewTaskBody).timeout);
    const body = req.body as NewTaskBody;
    const newTask = { ...toNewTask(body), createdBy: identityOf(req, (text) => keys.digest(text)) };
    await requireFile(res, newTask.fileId, this.#parts.homeNamespace);
    // How long the caller waits for the answer is not part of what is asked for.
    const { sync: _sync, timeout: _timeout, ...what } = body;
    const made = await once.run(req, what, (name) => this.#create(name, newTask));
    await created.send(res, made, body, deadline);
  }

  async #create(name: string, newTask: NewTask): Promise<DeployTask> {
    const { directory, creator, uses } = this.#parts;
    await directory.requireOnline(newTask.agent, newTask.type);
    if (newTask.fileId === '') return (await creator.create(name, newTask)).task;
    return uses.create(newTask.fileId, async ({ sha256 }) => {
      return (await creator.create(name, { ...newTask, fileSha256: sha256 })).task;
    });
  }
}

/** Whoever has a task read a file may read what is in it. */
async function requireFile(res: Response, fileId: string, namespace: string): Promise<void> {
  if (fileId !== '') await accessOf(res).require({ verb: 'get', resource: 'files', namespace, name: fileId });
}
