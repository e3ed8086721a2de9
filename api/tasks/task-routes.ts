import { Router } from 'express';
import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import type { KubeClient } from '../../kube/client.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import { deployTasks } from '../../kube/resource.ts';
import { isFinished } from '../../kube/task-state.ts';
import type { Store } from '../../store/store.ts';
import { identityOf } from '../caller.ts';
import { ApiError } from '../errors.ts';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { sendJson, write } from '../send.ts';
import { approve } from './approve-task.ts';
import type { CreateHandler } from './create-handler.ts';
import type { LogHandler } from './log-handler.ts';
import { listTasks } from './list-tasks.ts';
import type { RollbackHandler } from './rollback-handler.ts';
import { streamOf } from './task-answers.ts';
import type { TaskAnswers } from './task-answers.ts';
import { parseTaskId } from './task-id.ts';
import type { TaskName } from './task-id.ts';
import type { ReadTask, TaskReader } from './task-reader.ts';

export interface TaskRoutesParts {
  readonly client: KubeClient;
  readonly store: Store;
  readonly reader: TaskReader;
  readonly answers: TaskAnswers;
  readonly create: CreateHandler;
  readonly logs: LogHandler;
  readonly rollback: RollbackHandler;
  readonly homeNamespace: string;
  readonly logger: Logger;
}

/** Most commands end at once when told to, and most deletions are seen at once: the next read then shows it. */
const SETTLE_MS = 1000;

/** A conflict means that the task has just moved on; it does so a few times in its life. */
const CANCEL_TRIES = 8;

/** Everything under `/api/v1/tasks`. */
export function taskRoutes(parts: TaskRoutesParts): Router {
  const { reader, answers } = parts;
  const router = Router();

  const nameOf = (req: Request): TaskName => {
    const name = parseTaskId(String(req.params['id']), parts.homeNamespace);
    if (name === undefined || !reader.watches(name.namespace)) throw new ApiError('TaskNotFound');
    return name;
  };
  const read = async (req: Request): Promise<ReadTask> => {
    const found = await reader.get(nameOf(req));
    if (found === undefined) throw new ApiError('TaskNotFound');
    return found;
  };

  router
    .route('/')
    .post((req, res) => parts.create.handle(req, res))
    .get((req, res) => listTasks(parts, req, res))
    .all(methodNotAllowed('GET, POST'));

  router
    .route('/:id')
    .get(async (req, res) => answers.send(res, 200, await read(req)))
    .delete(async (req, res) => {
      const name = nameOf(req);
      try {
        await parts.client.delete(deployTasks, name.namespace, name.name);
      } catch (err) {
        throw isNotFound(err) ? new ApiError('TaskNotFound') : err;
      }
      await reader.untilGone(name, SETTLE_MS);
      sendJson(res, 200, { message: 'task deleted' });
    })
    .all(methodNotAllowed('GET, DELETE'));

  router
    .route('/:id/logs')
    .get(async (req, res) => parts.logs.handle(req, res, nameOf(req), await read(req)))
    .all(methodNotAllowed('GET'));

  router
    .route('/:id/result')
    .get(async (req, res) => sendResult(res, await read(req), parts.store))
    .all(methodNotAllowed('GET'));

  router
    .route('/:id/cancel')
    .post(async (req, res) => {
      const name = nameOf(req);
      await cancel(parts.client, reader, name);
      await reader.untilEnded(name, SETTLE_MS);
      sendJson(res, 200, { message: 'task canceled' });
    })
    .all(methodNotAllowed('POST'));

  router
    .route('/:id/approve')
    .post(async (req, res) => {
      const { digest } = (req.body ?? {}) as { digest?: string | null };
      const by = identityOf(req, (text) => parts.store.idempotencyKeys.digest(text));
      const task = await approve(parts.client, reader, nameOf(req), { digest: digest ?? undefined, by });
      parts.logger.info({ task: task.metadata.uid, id: req.params['id'], by }, 'task approved');
      await answers.send(res, 200, reader.adopt(task));
    })
    .all(methodNotAllowed('POST'));

  router
    .route('/:id/rollback')
    .get((req, res) => parts.rollback.show(res, nameOf(req)))
    .post((req, res) => parts.rollback.handle(req, res, nameOf(req)))
    .all(methodNotAllowed('GET, POST'));
  return router;
}

/** Written on the version that was looked at, so that a task which has just ended is not said to be canceled. */
async function cancel(client: KubeClient, reader: TaskReader, name: TaskName): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const known = attempt === 1 ? reader.peek(name) : undefined;
    const task = known ?? (await reader.getFresh(name))?.task;
    if (task === undefined) throw new ApiError('TaskNotFound');
    if (isFinished(task)) throw new ApiError('TaskNotCancelable');
    if (task.spec.cancel === true) return;
    const { resourceVersion } = task.metadata;
    try {
      await client.patch(deployTasks, name.namespace, name.name, {
        metadata: { resourceVersion },
        spec: { cancel: true },
      });
      return;
    } catch (err) {
      if (isNotFound(err)) throw new ApiError('TaskNotFound');
      if (!isConflict(err) || attempt === CANCEL_TRIES) throw err;
    }
  }
}

/** The bytes that the target sent. The store has them when they were many or not UTF-8, the task itself otherwise. */
async function sendResult(res: Response, { task, body }: ReadTask, store: Store): Promise<void> {
  if (!isFinished(task)) throw new ApiError('TaskNotFinished');
  const headers = { 'Content-Type': 'application/octet-stream', 'X-Content-Type-Options': 'nosniff' };
  const result = task.status?.result;
  const id = result?.ref === undefined ? undefined : streamOf(task, 'result');
  if (id === undefined) {
    const bytes = Buffer.from(body.result);
    res.writeHead(200, { ...headers, 'Content-Length': bytes.length }).end(bytes);
    return;
  }
  const { complete, bytes } = await store.streams.state(id);
  if (!complete) throw new ApiError('ResultPending', undefined, { headers: { 'Retry-After': '1' } });
  res.writeHead(200, { ...headers, 'Content-Length': bytes });
  for await (const part of store.streams.read(id)) await write(res, part);
  res.end();
}
