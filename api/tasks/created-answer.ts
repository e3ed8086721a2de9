import type { Response } from 'express';
import { isAwaitingApproval } from '../../kube/task-digest.ts';
import { isFinished } from '../../kube/task-state.ts';
import type { Store } from '../../store/store.ts';
import { requestSignal } from '../request-signal.ts';
import type { CreatedTask } from './create-once.ts';
import { syncTimeoutMs } from './new-task.ts';
import { untilStreamComplete } from './stream-complete.ts';
import { streamOf } from './task-answers.ts';
import type { TaskAnswers } from './task-answers.ts';
import { formatTaskId } from './task-id.ts';
import type { ReadTask, TaskReader } from './task-reader.ts';

export interface CreatedAnswerParts {
  readonly reader: TaskReader;
  readonly answers: TaskAnswers;
  readonly store: Store;
  readonly homeNamespace: string;
  /** Ends waiting when the server shuts down. */
  readonly stopping: AbortSignal;
}

/** What of a request to create a task says how it is to be answered. */
export interface AnswerWish {
  readonly sync?: boolean | null;
  readonly timeout?: number | null;
}

const AWAITING =
  'the task waits for approval: POST /api/v1/tasks/{id}/approve, by somebody else where callers have identities';

/** Answers requests that have created a task: at once, or once it has ended. */
export class CreatedAnswer {
  readonly #parts: CreatedAnswerParts;

  constructor(parts: CreatedAnswerParts) {
    this.#parts = parts;
  }

  /** `deadline`: until when a synchronous answer waits, by performance.now(). */
  async send(
    res: Response,
    { task, replayed }: CreatedTask,
    { sync, timeout }: AnswerWish,
    deadline: number,
  ): Promise<void> {
    const { reader, answers, homeNamespace } = this.#parts;
    const id = formatTaskId({ namespace: task.metadata.namespace ?? '', name: task.metadata.name }, homeNamespace);
    res.setHeader('Location', `/api/v1/tasks/${id}`);
    if (replayed) res.setHeader('Idempotent-Replayed', 'true');
    const read = reader.adopt(task);
    // Nobody can wait for a person.
    if (isAwaitingApproval(read.task))
      return answers.send(res, 201, read, { status: 'pending', error: AWAITING.replace('{id}', id) });
    if (sync === true) return this.#sendEnded(res, read, deadline, timeout);
    // The manual: the answer to an asynchronous create says `running`.
    await answers.send(res, 201, read, replayed ? {} : { status: 'running' });
  }

  async #sendEnded(
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
