import { isFinished } from '../../kube/task-state.ts';
import type { LogLine } from '../../store/log-chunk.ts';
import type { TaskStreams } from '../../store/task-streams.ts';
import { streamOf } from './task-answers.ts';
import type { ReadTask } from './task-reader.ts';

/** A line of a log as REST shows it. */
export interface LogLineView {
  readonly id: number;
  readonly task_id: string;
  readonly level: string;
  readonly message: string;
  readonly timestamp: string;
}

export function toLogLineView(line: LogLine, taskId: string, fallbackTime: string): LogLineView {
  return {
    id: line.id,
    task_id: taskId,
    level: line.level ?? 'info',
    message: line.message,
    timestamp: line.timestamp ?? fallbackTime,
  };
}

/**
 * The lines of a task's log with ids above `after`, in batches, oldest first. The status of a finished task has the
 * whole of a small log and head and tail of a large one; the store has what was uploaded so far. Together they are the
 * log, but for a gap while an agent still uploads.
 */
export async function* logLines(
  streams: TaskStreams,
  { task, body }: ReadTask,
  after: number,
): AsyncGenerator<readonly LogLine[]> {
  const stream = streamOf(task, 'log');
  const log = task.status?.log;
  if (stream === undefined || (log !== undefined && log.truncated !== true)) {
    yield body.lines.filter(({ id }) => id > after);
    return;
  }
  let last = after;
  let first = true;
  for await (const batch of streams.lines(stream, after)) {
    const start = batch[0]?.id ?? 0;
    if (first) yield body.lines.filter(({ id }) => id > after && id < start);
    first = false;
    yield batch;
    last = batch.at(-1)?.id ?? last;
  }
  yield body.lines.filter(({ id }) => id > last);
}

/** Whether the lines of a task's log are all there and no more will come. */
export async function isLogComplete(streams: TaskStreams, { task }: Pick<ReadTask, 'task'>): Promise<boolean> {
  const log = task.status?.log;
  if (!isFinished(task)) return false;
  if (log?.truncated !== true) return true;
  const stream = streamOf(task, 'log');
  return stream === undefined || (await streams.state(stream)).complete;
}
