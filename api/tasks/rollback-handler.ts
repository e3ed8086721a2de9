import { isUtf8 } from 'node:buffer';
import type { Request, Response } from 'express';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import { deployTasks } from '../../kube/resource.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { ROLLBACK_FILE_TYPE } from '../../store/files.ts';
import type { ReceivedFile } from '../../store/files.ts';
import type { Store } from '../../store/store.ts';
import type { AgentDirectory } from '../agents/agent-directory.ts';
import { identityOf } from '../caller.ts';
import { ApiError } from '../errors.ts';
import type { FileUses } from '../files/file-uses.ts';
import { write } from '../send.ts';
import { toApiError } from '../to-api-error.ts';
import type { CreateOnce } from './create-once.ts';
import type { AnswerWish, CreatedAnswer } from './created-answer.ts';
import { syncTimeoutMs } from './new-task.ts';
import type { NewTask } from './new-task.ts';
import { RollbackClaim } from './rollback-claim.ts';
import { rollbackParams } from './rollback-params.ts';
import { noRollback, rollbackFileName, rollbackText } from './rollback-text.ts';
import type { RollbackText } from './rollback-text.ts';
import type { TaskCreator } from './task-creator.ts';
import type { TaskName } from './task-id.ts';
import { searchableMetadata, withCheckedMetadata } from './task-metadata.ts';
import type { TaskSecrets } from './task-secrets.ts';

export interface RollbackHandlerParts {
  readonly client: KubeClient;
  readonly store: Store;
  readonly secrets: TaskSecrets;
  readonly once: CreateOnce;
  readonly creator: TaskCreator;
  readonly created: CreatedAnswer;
  readonly directory: AgentDirectory;
  readonly uses: FileUses;
}

/** The body of `POST /tasks/{id}/rollback`, checked against openapi.yaml. */
interface RollbackBody extends AnswerWish {
  readonly force?: boolean | null;
  readonly params?: Readonly<Record<string, unknown>> | null;
}

/** More than a command may have goes to the agent as a file. */
const MAX_COMMAND_BYTES = 1024 * 1024;

/** `/tasks/{id}/rollback`: GET shows the SQL that undoes a task, POST runs it as a new task. */
export class RollbackHandler {
  readonly #parts: RollbackHandlerParts;
  readonly #claim: RollbackClaim;

  constructor(parts: RollbackHandlerParts) {
    this.#parts = parts;
    this.#claim = new RollbackClaim(parts.client);
  }

  async show(res: Response, name: TaskName): Promise<void> {
    const text = await rollbackText(await this.#read(name), this.#parts.store.streams);
    const headers = {
      'Content-Type': 'application/sql; charset=utf-8',
      'Content-Disposition': `attachment; filename="${rollbackFileName(name.name)}"`,
      'Content-Length': text.bytes,
      'X-Content-Type-Options': 'nosniff',
    };
    for await (const part of text.read()) {
      // Only now: what is damaged and short is refused.
      if (!res.headersSent) res.writeHead(200, headers);
      await write(res, part);
    }
    res.end();
  }

  async handle(req: Request, res: Response, name: TaskName): Promise<void> {
    const { once, created, store } = this.#parts;
    const body = (req.body ?? {}) as RollbackBody;
    const deadline = performance.now() + syncTimeoutMs(body.timeout);
    const createdBy = identityOf(req, (text) => store.idempotencyKeys.digest(text));
    // How long the caller waits for the answer is not part of what is asked for.
    const { sync: _sync, timeout: _timeout, ...what } = body;
    const create = (newName: string): Promise<DeployTask> => this.#create(newName, name, body, createdBy);
    const made = await once.run(req, { rollback_of: name, ...what }, create, name.namespace);
    await created.send(res, made, body, deadline);
  }

  async #create(
    newName: string,
    name: TaskName,
    body: RollbackBody,
    createdBy: string | undefined,
  ): Promise<DeployTask> {
    const { store, directory, creator } = this.#parts;
    const force = body.force === true;
    const task = await this.#read(name);
    const text = await rollbackText(task, store.streams);
    if (!text.exact && !force)
      throw new ApiError(
        'RollbackNotExact',
        `the rollback is not exact: ${text.message ?? 'the agent says so'}; force runs it`,
      );
    await this.#claim.check(task, newName, force);
    const agent = task.status?.assignment?.agent ?? '';
    await directory.requireOnline(agent, task.spec.type);
    const { uid = '', namespace = '' } = task.metadata;
    const newTask: NewTask = {
      ...{ agent, type: task.spec.type, namespace, createdBy, rollbackOf: uid },
      ...{ command: '', fileId: '' },
      params: await this.#params(task, body, force),
    };
    const command = text.bytes <= MAX_COMMAND_BYTES ? await commandOf(text) : undefined;
    const received = command === undefined ? await this.#receive(name, text) : undefined;
    const release = await this.#claim
      .take(task, newName, force, () => this.#read(name))
      .catch(async (err: unknown) => {
        await received?.discard();
        throw err;
      });
    try {
      if (received !== undefined) return await this.#createWithFile(newName, newTask, received);
      return (await creator.create(newName, { ...newTask, command: command ?? '' })).task;
    } catch (err) {
      if (toApiError(err).status < 500) await release();
      throw err;
    }
  }

  async #params(task: DeployTask, body: RollbackBody, force: boolean): Promise<Record<string, unknown>> {
    const { name } = task.metadata;
    const change = body.params ?? {};
    // Of an object that came another way than by REST, metadata may be anything.
    const unmade = { name, params: { ...task.spec.params, metadata: searchableMetadata(task) } };
    // Without credentials first: what is asked for may be wrong, or bring its own.
    const asked = rollbackParams(unmade, change, {}, force);
    const stored = await this.#parts.secrets.copyOf(task, [
      asked['secret_ref'],
      (asked['target'] as Record<string, unknown> | undefined)?.['secret_ref'],
    ]);
    return { ...withCheckedMetadata(rollbackParams(unmade, change, stored, force)) };
  }

  #receive(name: TaskName, text: RollbackText): Promise<ReceivedFile> {
    const file = { name: rollbackFileName(name.name), contentType: ROLLBACK_FILE_TYPE };
    return this.#parts.store.files.receive(file, text.read());
  }

  async #createWithFile(newName: string, newTask: NewTask, received: ReceivedFile): Promise<DeployTask> {
    const { uses, creator } = this.#parts;
    const { record } = await received.commit();
    return uses.create(record.id, async ({ id, sha256 }) => {
      return (await creator.create(newName, { ...newTask, fileId: id, fileSha256: sha256 })).task;
    });
  }

  async #read({ namespace, name }: TaskName): Promise<DeployTask> {
    try {
      return await this.#parts.client.get(deployTasks, namespace, name);
    } catch (err) {
      throw isNotFound(err) ? new ApiError('TaskNotFound') : err;
    }
  }
}

/** The whole text as a command; undefined: it is no text that a resource can hold. */
async function commandOf(text: RollbackText): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  for await (const part of text.read()) parts.push(part);
  const bytes = Buffer.concat(parts);
  if (bytes.length !== text.bytes) throw noRollback('what is stored is not what the agent made');
  return isUtf8(bytes) ? bytes.toString() : undefined;
}
