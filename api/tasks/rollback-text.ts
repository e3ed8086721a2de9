import { createHash, hash } from 'node:crypto';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { TaskStreams } from '../../store/task-streams.ts';
import { ApiError } from '../errors.ts';
import { isFinished } from '../../kube/task-state.ts';
import { streamOf } from './task-answers.ts';

/** The SQL that undoes a task. */
export interface RollbackText {
  readonly bytes: number;
  /** Whether it brings back every row as it was; if not, `message` says why. */
  readonly exact: boolean;
  readonly message: string | undefined;
  /** All of it, in parts. Rejects with `RollbackNotAvailable` before the last part when it is not what the agent made. */
  read(): AsyncIterable<Uint8Array>;
}

/**
 * Finds the rollback of a task: in the task, or in the store when it is long. `task` must be whole, as the API server has
 * it. Rejects with `RollbackNotAvailable`, which says why there is none, or with `RollbackPending`.
 */
export async function rollbackText(task: DeployTask, streams: TaskStreams): Promise<RollbackText> {
  if (task.spec.type !== 'mysql') throw noRollback('only tasks of type mysql have one');
  if (!isFinished(task)) throw noRollback('the task has not ended');
  const { rollback } = task.status ?? {};
  if (rollback === undefined) throw noRollback(whyNone(task));
  const { available, exact, message, bytes, sha256, text = '', truncated, ref } = rollback;
  if (!available || bytes === 0) throw noRollback(message ?? 'there is nothing to undo');
  const found = { bytes, exact, message };
  if (truncated !== true) {
    const whole = Buffer.from(text);
    if (whole.length !== bytes || (sha256 !== undefined && hash('sha256', whole) !== sha256)) throw damaged();
    return { ...found, read: () => once(whole) };
  }
  const stream = streamOf(task, 'rollback');
  if (ref === undefined || stream === undefined)
    throw noRollback('the agent could keep only the beginning of it, as it knew no address of the API');
  const state = await streams.state(stream);
  if (!state.complete) throw new ApiError('RollbackPending', undefined, { headers: { 'Retry-After': '1' } });
  if (state.bytes !== bytes) throw damaged();
  return { ...found, read: () => checked(streams.read(stream), sha256) };
}

function whyNone({ spec: { params }, status }: DeployTask): string {
  if (status?.assignment === undefined) return 'the task was never started';
  if (status.state === 'Unknown') return 'nobody knows how the task ended';
  if (params?.exec_options?.backup === false || params?.no_backup === true) return 'the task asked for no backup';
  if (params?.review !== undefined) return 'the task was a review, which changes nothing';
  return 'the agent told of none';
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}

async function* checked(source: AsyncIterable<Uint8Array>, sha256: string | undefined): AsyncGenerator<Uint8Array> {
  const digest = createHash('sha256');
  // Who was given all bytes would take them for right.
  let last: Uint8Array | undefined;
  for await (const part of source) {
    digest.update(part);
    if (last !== undefined) yield last;
    last = part;
  }
  if (sha256 !== undefined && digest.digest('hex') !== sha256) throw damaged();
  if (last !== undefined) yield last;
}

/** Of a task's name, which may be longer than a file's. */
export const rollbackFileName = (taskName: string): string => `rollback-of-${taskName.slice(0, 150)}.sql`;

export const noRollback = (why: string): ApiError =>
  new ApiError('RollbackNotAvailable', `no rollback available: ${why}`);

const damaged = (): ApiError => noRollback('what is stored is not what the agent made');
