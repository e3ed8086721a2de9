import { isFinished } from '../../kube/task-state.ts';
import type { LogLine } from '../../store/log-chunk.ts';
import type { TaskStreams } from '../../store/task-streams.ts';
import { waitFor } from '../wait.ts';
import { isLogComplete, logLines } from './task-log.ts';
import type { TaskName } from './task-id.ts';
import { toKey } from './task-reader.ts';
import type { ReadTask, TaskReader } from './task-reader.ts';

/** How often the store is looked at besides being told of appends: another replica may have taken them. */
const POLL_MS = 1000;

/** An agent may still upload the end of a log after the task has ended; it is waited for this long. */
const UPLOAD_MS = 30_000;

/**
 * The lines of a task's log with ids above `after`, as they come; ends with the task. Yields an empty batch now and
 * then, so that the caller can show signs of life.
 */
export async function* followLog(
  reader: TaskReader,
  streams: TaskStreams,
  name: TaskName,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<readonly LogLine[], ReadTask | undefined> {
  const first = await reader.get(name);
  const uid = first?.task.metadata.uid;
  if (first === undefined || uid === undefined) return undefined;
  let wake = Promise.withResolvers<void>();
  const unsubscribe = [
    streams.onAppend(uid, () => wake.resolve()),
    reader.changes.onChange(toKey(name), () => wake.resolve()),
  ];
  try {
    let last = after;
    let current = first;
    let endedAt: number | undefined;
    while (!signal.aborted) {
      wake = Promise.withResolvers<void>();
      const complete = await isLogComplete(streams, current);
      if (isFinished(current.task)) endedAt ??= performance.now();
      for await (const batch of logLines(streams, current, last)) {
        yield batch;
        last = batch.at(-1)?.id ?? last;
      }
      if (complete || (endedAt !== undefined && performance.now() - endedAt > UPLOAD_MS)) return current;
      yield [];
      await waitFor(wake.promise, POLL_MS, signal);
      const next = await reader.get(name);
      // Deleted, and perhaps made anew: the log that was asked for has ended.
      if (next?.task.metadata.uid !== uid) return current;
      current = next;
    }
    return current;
  } finally {
    for (const stop of unsubscribe) stop();
  }
}
